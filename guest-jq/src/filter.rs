//! Compiling a filter and running it on the inputs. Never reads an argument.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Read, Write};

use jaq_core::data::HasLut;
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, DataT, Lut, Vars};
use jaq_json::{Val, read};
use jaq_std::input::{HasInputs, Inputs, RcIter};

use crate::options::{Options, reason};
use crate::{output, yaml};

/// What filters can reach beside their input.
struct Data;

struct Globals<'a> {
    lut: &'a Lut<Data>,
    inputs: Inputs<'a, Val>,
}

impl DataT for Data {
    type V<'a> = Val;
    type Data<'a> = &'a Globals<'a>;
}

impl<'a> HasLut<'a, Data> for &'a Globals<'a> {
    fn lut(&self) -> &'a Lut<Data> {
        self.lut
    }
}

impl<'a> HasInputs<'a, Val> for &'a Globals<'a> {
    fn inputs(&self) -> Inputs<'a, Val> {
        self.inputs
    }
}

type Filter = jaq_core::Filter<Data>;

fn complain(options: &Options, message: &str) {
    let _ = writeln!(std::io::stderr(), "{}: {message}", options.name);
}

/// Runs everything; the exit code.
pub(crate) fn main(options: &Options) -> i32 {
    let mut variables = options.variables.clone();
    let named = variables
        .iter()
        .map(|(name, value)| (Val::from(name.clone()), value.clone()));
    let args = [
        (
            Val::from("positional".to_owned()),
            Val::Arr(options.positional.clone().into()),
        ),
        (Val::from("named".to_owned()), Val::obj(named.collect())),
    ];
    variables.push(("ARGS".into(), Val::obj(args.into_iter().collect())));
    let environment = std::env::vars().map(|(name, value)| (Val::from(name), Val::from(value)));
    variables.push(("ENV".into(), Val::obj(environment.collect())));
    variables.push(("__loc__".into(), Val::Null));
    let names: Vec<String> = variables
        .iter()
        .map(|(name, _)| format!("${name}"))
        .collect();
    let filter = match compile(&options.filter, &names) {
        Ok(filter) => filter,
        Err(messages) => {
            for message in &messages {
                complain(options, &format!("error: {message}"));
            }
            let (count, end) = (messages.len(), if messages.len() == 1 { "" } else { "s" });
            complain(options, &format!("{count} compile error{end}"));
            return 3;
        }
    };
    let values: Vec<Val> = variables.into_iter().map(|(_, value)| value).collect();
    if options.in_place {
        return in_place(options, &filter, &values);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    run(options, &options.files, &filter, &values, &mut out)
}

/// What jq has and jaq lacks.
const MORE: &str = r#"
def leaf_paths: paths(scalars);
def input: [limit(1; inputs)] | if length == 0 then error("break") else .[0] end;
def row_text: if type == "array" or type == "object" then
    error("\(type) (\(tojson)) is not valid in a csv row") elif . == null then "" else tostring end;
def @csv: if type != "array" then error("\(type) (\(tojson)) cannot be csv-formatted, only an array can be") else
    map(if type == "string" then "\"" + gsub("\""; "\"\"") + "\"" else row_text end) | join(",") end;
def @tsv: if type != "array" then error("\(type) (\(tojson)) cannot be tsv-formatted, only an array can be") else
    map(if type == "string" then gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r")
      else row_text end) | join("\t") end;
"#;

fn compile(text: &str, names: &[String]) -> Result<Filter, Vec<String>> {
    let more = jaq_core::load::parse(MORE, |parser| parser.defs());
    let more = more.expect("the definitions above are right").into_iter();
    let defs = jaq_core::defs()
        .chain(jaq_std::defs())
        .chain(jaq_json::defs())
        .chain(more);
    let funs = jaq_core::funs::<Data>()
        .chain(jaq_std::funs())
        .chain(jaq_json::funs())
        .chain(
            jaq_std::input::funs()
                .into_vec()
                .into_iter()
                .map(jaq_core::native::run),
        );
    let arena = Arena::default();
    let program = File {
        code: text,
        path: (),
    };
    let modules = Loader::new(defs).load(&arena, program).map_err(|errors| {
        errors
            .into_iter()
            .flat_map(|(file, error)| load_messages(file.code, error))
            .collect::<Vec<_>>()
    })?;
    Compiler::default()
        .with_funs(funs)
        .with_global_vars(names.iter().map(String::as_str))
        .compile(modules)
        .map_err(|errors| {
            let all = errors.into_iter().flat_map(|(_, errors)| errors);
            all.map(|(name, kind)| {
                use jaq_core::compile::Undefined;
                match kind {
                    Undefined::Filter(arity) => {
                        format!("{name}/{arity} is not defined at <top-level>")
                    }
                    Undefined::Var => format!("{name} is not defined at <top-level>"),
                    _ => format!("{name} is not defined at <top-level>"),
                }
            })
            .collect()
        })
}

fn load_messages(text: &str, error: jaq_core::load::Error<&str>) -> Vec<String> {
    use jaq_core::load::Error;
    let near = |part: &str| {
        let start = jaq_core::load::span(text, part).start;
        match text[start..].chars().next() {
            None => "syntax error, unexpected end of file".to_owned(),
            Some(_) => {
                let shown: String = text[start..].chars().take(20).collect();
                format!("syntax error, unexpected input at '{shown}'")
            }
        }
    };
    match error {
        Error::Io(all) => all.into_iter().map(|(_, message)| message).collect(),
        Error::Lex(all) => all.into_iter().map(|(_, found)| near(found)).collect(),
        Error::Parse(all) => all.into_iter().map(|(_, found)| near(found)).collect(),
    }
}

/// Writes what becomes of each file in its place.
fn in_place(options: &Options, filter: &Filter, values: &[Val]) -> i32 {
    let mut status = 0;
    for path in &options.files {
        let mut text = Vec::new();
        let code = run(
            options,
            std::slice::from_ref(path),
            filter,
            values,
            &mut text,
        );
        if code == 0 {
            if let Err(error) = std::fs::write(path, text) {
                complain(options, &format!("{path}: {}", reason(&error)));
                status = 1;
            }
        } else {
            status = code;
        }
    }
    status
}

/// An input that failed: what to say and whether it ends everything.
type Input = Result<Val, String>;

fn run(
    options: &Options,
    files: &[String],
    filter: &Filter,
    values: &[Val],
    out: &mut dyn Write,
) -> i32 {
    let missing = Cell::new(false);
    let mut all: Box<dyn Iterator<Item = Input>> = Box::new(inputs(options, files, &missing));
    if options.slurp {
        all = slurped(options, all);
    }
    let inputs = RcIter::new(all);
    let inputs: Inputs<'_, Val> = &inputs;
    let globals = Globals {
        lut: &filter.lut,
        inputs,
    };
    let mut status = 0;
    let mut last = None;
    let mut first = true;
    let mut one = |input: Val, status: &mut i32| -> bool {
        *status = 0;
        let ctx = Ctx::<Data>::new(&globals, Vars::new(values.iter().cloned()));
        for result in filter.id.run((ctx, input)) {
            match result {
                Ok(value) => {
                    last = Some(!matches!(value, Val::Null | Val::Bool(false)));
                    if print(options, &value, std::mem::take(&mut first), out).is_err() {
                        return false;
                    }
                }
                Err(exn) => match exn.get_halt() {
                    Ok(code) => {
                        *status = code;
                        return false;
                    }
                    Err(exn) => {
                        let text = exn.get_err().map_or_else(
                            |_| "break".to_owned(),
                            |error| error_text(&error.into_val()),
                        );
                        let _ = out.flush();
                        let place = if options.null_input {
                            "<unknown>"
                        } else {
                            "<stdin>:0"
                        };
                        complain(options, &format!("error (at {place}){text}"));
                        *status = 5;
                        break;
                    }
                },
            }
        }
        let _ = out.flush();
        true
    };
    if options.null_input {
        one(Val::Null, &mut status);
    } else {
        let mut inputs = inputs;
        loop {
            match inputs.next() {
                None => break,
                Some(Ok(input)) => {
                    if !one(input, &mut status) {
                        break;
                    }
                }
                Some(Err(message)) => {
                    complain(options, &format!("error (at <stdin>:0): {message}"));
                    status = 2;
                    break;
                }
            }
        }
    }
    let _ = out.flush();
    if status == 0 && missing.get() {
        status = 2;
    }
    match (status, options.exit_status, last) {
        (0, true, None) => 4,
        (0, true, Some(false)) => 1,
        (status, ..) => status,
    }
}

/// What was thrown, as jq says it.
fn error_text(value: &Val) -> String {
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) => format!(": {}", String::from_utf8_lossy(bytes)),
        other => format!(" (not a string): {}", output::compact(other)),
    }
}

fn print(options: &Options, value: &Val, first: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if !options.yaml_output {
        return out.write_all(&output::text(value, &options.style));
    }
    if !first && matches!(value, Val::Obj(_)) {
        out.write_all(b"---\n")?;
    }
    out.write_all(yaml::document(value).as_bytes())
}

/// All inputs as one.
fn slurped<'a>(
    options: &Options,
    all: Box<dyn Iterator<Item = Input> + 'a>,
) -> Box<dyn Iterator<Item = Input> + 'a> {
    let raw = options.raw_input;
    let mut all = Some(all);
    Box::new(std::iter::from_fn(move || {
        let values: Result<Vec<Val>, String> = all.take()?.collect();
        Some(values.map(|values| {
            if raw {
                let texts = values.iter().map(|value| match value {
                    Val::TStr(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    _ => String::new(),
                });
                Val::from(texts.collect::<String>())
            } else {
                Val::Arr(values.into())
            }
        }))
    }))
}

/// The inputs of all files, or of standard input.
fn inputs<'a>(
    options: &'a Options,
    files: &'a [String],
    missing: &'a Cell<bool>,
) -> impl Iterator<Item = Input> + 'a {
    let stdin = ["-".to_owned()];
    let names: Vec<String> = if files.is_empty() {
        stdin.to_vec()
    } else {
        files.to_vec()
    };
    names
        .into_iter()
        .flat_map(move |name| -> Box<dyn Iterator<Item = Input> + 'a> {
            let opened: std::io::Result<Box<dyn Read>> = match name.as_str() {
                "-" if files.is_empty() => Ok(Box::new(std::io::stdin())),
                "-" if options.yaml_input => Ok(Box::new(std::io::stdin())),
                path => std::fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>),
            };
            match opened {
                Ok(input) => parsed(options, input),
                Err(error) => {
                    complain(
                        options,
                        &format!("error: Could not open {name}: {}", reason(&error)),
                    );
                    missing.set(true);
                    Box::new(std::iter::empty())
                }
            }
        })
}

fn parsed<'a>(options: &Options, input: Box<dyn Read>) -> Box<dyn Iterator<Item = Input> + 'a> {
    let mut input = BufReader::new(input);
    if options.yaml_input {
        let mut text = String::new();
        if let Err(error) = input.read_to_string(&mut text) {
            return Box::new(std::iter::once(Err(reason(&error))));
        }
        let values: Vec<Input> = jaq_fmts::read::yaml::parse_many(&text)
            .map(|value| value.map_err(|error| error.to_string()))
            .collect();
        return Box::new(values.into_iter());
    }
    if options.raw_input && options.slurp {
        let mut bytes = Vec::new();
        let _ = input.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Box::new(std::iter::once(Ok(Val::from(text))));
    }
    if options.raw_input {
        return Box::new(input.split(b'\n').map(|line| {
            line.map(|line| Val::from(String::from_utf8_lossy(&line).into_owned()))
                .map_err(|error| reason(&error))
        }));
    }
    Box::new(read::read_many(input).map(|value| value.map_err(|error| error.to_string())))
}
