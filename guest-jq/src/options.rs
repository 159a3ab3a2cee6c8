//! The arguments of `jq` and `yq`. Never reads an input.

use jaq_json::Val;

/// Why nothing runs.
#[derive(Debug)]
pub(crate) enum Stop {
    Help(String),
    Wrong(String),
}

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) name: &'static str,
    pub(crate) filter: String,
    pub(crate) files: Vec<String>,
    pub(crate) null_input: bool,
    pub(crate) raw_input: bool,
    pub(crate) slurp: bool,
    pub(crate) exit_status: bool,
    /// Inputs are YAML.
    pub(crate) yaml_input: bool,
    /// Outputs are YAML.
    pub(crate) yaml_output: bool,
    pub(crate) in_place: bool,
    pub(crate) style: Style,
    /// `$name` and its value, in order.
    pub(crate) variables: Vec<(String, Val)>,
    pub(crate) positional: Vec<Val>,
}

/// How values look.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// Nothing for all on one line.
    pub(crate) indent: Option<String>,
    pub(crate) colour: bool,
    pub(crate) ascii: bool,
    pub(crate) sort: bool,
    pub(crate) raw: bool,
    pub(crate) newline: bool,
}

impl Options {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            filter: String::new(),
            files: Vec::new(),
            null_input: false,
            raw_input: false,
            slurp: false,
            exit_status: false,
            yaml_input: false,
            yaml_output: false,
            in_place: false,
            style: Style {
                indent: Some("  ".into()),
                colour: guest_kit::terminal::size().is_some(),
                ascii: false,
                sort: false,
                raw: false,
                newline: true,
            },
            variables: Vec::new(),
            positional: Vec::new(),
        }
    }
}

const JQ_USAGE: &str = "Usage:\tjq [OPTIONS] FILTER [FILE...]\n\tjq [OPTIONS] --args FILTER [STRING...]\n\tjq [OPTIONS] --jsonargs FILTER [JSON...]\n";

const JQ_HELP: &str = "
jq applies FILTER to its JSON inputs and prints what it makes of them.

  -c               one line per output
  -n               no input: the filter runs once, on null
  -e               the exit code tells what the last output was
  -s               all inputs as one array
  -r               strings without quotes
  -j               the same, without ends of lines
  -R               lines of text as inputs
  -a               only ASCII in the output
  -C, -M           with and without colours
  -S               keys in order
  --tab            indent by tabs
  --indent N       indent by N blanks
  -f FILE          read the filter from FILE
  --arg A V        $A is the string V
  --argjson A V    $A is the JSON V
  --slurpfile A F  $A is an array of what is in F
  --rawfile A F    $A is the text of F
  --args           the other arguments are strings in $ARGS.positional
  --jsonargs       the other arguments are JSON in $ARGS.positional
";

fn wrong(message: &str) -> Stop {
    Stop::Wrong(format!(
        "jq: error: {message}\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq\n"
    ))
}

/// Reads the arguments of `jq`.
pub(crate) fn jq(args: &[String]) -> Result<Options, Stop> {
    let mut options = Options::new("jq");
    let mut rest = args.iter().skip(1).cloned();
    let mut filter: Option<String> = None;
    let mut from_file = false;
    // What becomes of further arguments: files, strings or JSON.
    let mut positional = 'f';
    let mut only_operands = false;
    while let Some(arg) = rest.next() {
        if only_operands || !arg.starts_with('-') || arg == "-" {
            operand(&mut options, &mut filter, positional, arg)?;
            continue;
        }
        let mut next = |what: &str| {
            rest.next()
                .ok_or_else(|| wrong(&format!("{arg} takes {what}")))
        };
        let mut named = |options: &mut Options, value: fn(&str) -> Result<Val, String>| {
            let (name, text) = (
                next("two parameters (e.g. --arg varname value)")?,
                next("two parameters (e.g. --arg varname value)")?,
            );
            let value = value(&text).map_err(|message| Stop::Wrong(format!("jq: {message}\n")))?;
            if !options.variables.iter().any(|(known, _)| *known == name) {
                options.variables.push((name, value));
            }
            Ok(())
        };
        match arg.as_str() {
            "--" => only_operands = true,
            "--help" => return Err(Stop::Help(format!("{JQ_USAGE}{JQ_HELP}"))),
            "--version" => return Err(Stop::Help("jq-1.6 (lab)\n".into())),
            "--compact-output" => options.style.indent = None,
            "--null-input" => options.null_input = true,
            "--exit-status" => options.exit_status = true,
            "--slurp" => options.slurp = true,
            "--raw-output" => options.style.raw = true,
            "--join-output" => (options.style.raw, options.style.newline) = (true, false),
            "--raw-input" => options.raw_input = true,
            "--ascii-output" => options.style.ascii = true,
            "--color-output" => options.style.colour = true,
            "--monochrome-output" => options.style.colour = false,
            "--sort-keys" => options.style.sort = true,
            "--tab" => options.style.indent = Some("\t".into()),
            // Output is written at the end of every input anyway.
            "--unbuffered" => {}
            "--indent" => {
                let text = next("one parameter")?;
                let Ok(width) = text.parse::<usize>() else {
                    return Err(wrong("--indent takes a number"));
                };
                if width > 7 {
                    return Err(Stop::Wrong(
                        "jq: Cannot indent more than 7 characters\n".into(),
                    ));
                }
                options.style.indent = (width > 0).then(|| " ".repeat(width));
            }
            "--from-file" => from_file = true,
            "--args" => positional = 's',
            "--jsonargs" => positional = 'j',
            "--arg" => named(&mut options, |text| Ok(text.to_owned().into()))?,
            "--argjson" => named(&mut options, |text| {
                jaq_json::read::parse_single(text.as_bytes())
                    .map_err(|_| "Invalid JSON text passed to --argjson\nUse jq --help for help with command-line options,\nor see the jq manpage, or online docs  at https://stedolan.github.io/jq".to_owned())
            })?,
            "--rawfile" => named(&mut options, |path| {
                std::fs::read(path)
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into())
                    .map_err(|error| bad_file("rawfile", path, &error))
            })?,
            "--slurpfile" => named(&mut options, |path| {
                let bytes =
                    std::fs::read(path).map_err(|error| bad_file("slurpfile", path, &error))?;
                let values: Result<Vec<Val>, _> = jaq_json::read::parse_many(&bytes).collect();
                values
                    .map(|values| Val::Arr(values.into()))
                    .map_err(|error| format!("Bad JSON in --slurpfile {path}: {error}"))
            })?,
            long if long.starts_with("--") => {
                return Err(Stop::Wrong(format!(
                    "jq: Unknown option: {long}\n{JQ_USAGE}"
                )));
            }
            short => {
                for letter in short[1..].chars() {
                    match letter {
                        'c' => options.style.indent = None,
                        'n' => options.null_input = true,
                        'e' => options.exit_status = true,
                        's' => options.slurp = true,
                        'r' => options.style.raw = true,
                        'j' => (options.style.raw, options.style.newline) = (true, false),
                        'R' => options.raw_input = true,
                        'a' => options.style.ascii = true,
                        'C' => options.style.colour = true,
                        'M' => options.style.colour = false,
                        'S' => options.style.sort = true,
                        'f' => from_file = true,
                        'h' => return Err(Stop::Help(format!("{JQ_USAGE}{JQ_HELP}"))),
                        _ => {
                            return Err(Stop::Wrong(format!(
                                "jq: Unknown option: {short}\n{JQ_USAGE}"
                            )));
                        }
                    }
                }
            }
        }
    }
    // Where something is piped, the filter may be left out.
    let piped = guest_kit::terminal::size().is_none();
    let Some(filter) = filter.or_else(|| piped.then(|| ".".to_owned())) else {
        return Err(Stop::Wrong(JQ_USAGE.into()));
    };
    options.filter = if from_file {
        match std::fs::read_to_string(&filter) {
            Ok(text) => text,
            Err(error) => {
                let error = reason(&error);
                return Err(Stop::Wrong(format!(
                    "jq: error: Could not open {filter}: {error}\n"
                )));
            }
        }
    } else {
        filter
    };
    Ok(options)
}

fn bad_file(option: &str, path: &str, error: &std::io::Error) -> String {
    let reason = reason(error);
    format!("error: Bad JSON in --{option} {path}: Could not open {path}: {reason}")
}

/// The C library's words for an error.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "No such file or directory".into(),
        std::io::ErrorKind::IsADirectory => "Is a directory".into(),
        _ => error
            .to_string()
            .split(" (os error")
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn operand(
    options: &mut Options,
    filter: &mut Option<String>,
    positional: char,
    arg: String,
) -> Result<(), Stop> {
    if filter.is_none() {
        *filter = Some(arg);
        return Ok(());
    }
    match positional {
        's' => options.positional.push(arg.into()),
        'j' => match jaq_json::read::parse_single(arg.as_bytes()) {
            Ok(value) => options.positional.push(value),
            Err(_) => return Err(wrong("Invalid JSON text passed to --jsonargs")),
        },
        _ => options.files.push(arg),
    }
    Ok(())
}

const YQ_HELP: &str = "Usage:\tyq [eval] [OPTIONS] FILTER [FILE...]

yq applies FILTER, in jq's language, to YAML and prints YAML.

  -o, --output-format FORMAT  yaml (default), json
  -p, --input-format FORMAT   yaml (default), json
  -i, --inplace               write the result to the file
  -n, --null-input            no input
  -e, --exit-status           fail when there is no match or it is null or false
  -I, --indent N              indent JSON by N blanks
  -r, --unwrapScalar          scalars without quotes, as always
  -P, --prettyPrint           block style, as always
";

/// Reads the arguments of `yq`.
pub(crate) fn yq(args: &[String]) -> Result<Options, Stop> {
    let mut options = Options::new("yq");
    options.yaml_input = true;
    options.yaml_output = true;
    options.style.raw = true;
    let mut rest = args.iter().skip(1).cloned().peekable();
    if matches!(rest.peek().map(String::as_str), Some("e" | "eval")) {
        rest.next();
    }
    let refuse = |message: String| Stop::Wrong(format!("Error: {message}\n"));
    let mut operands = Vec::new();
    while let Some(arg) = rest.next() {
        let (name, given) = match arg.split_once('=') {
            Some((name, given)) if name.starts_with('-') => (name, Some(given.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || {
            given
                .clone()
                .or_else(|| rest.next())
                .ok_or_else(|| refuse(format!("flag needs an argument: {name}")))
        };
        let format = |text: String| match text.as_str() {
            "yaml" | "y" => Ok(true),
            "json" | "j" => Ok(false),
            other => Err(refuse(format!(
                "unknown format '{other}' please use [yaml|json]"
            ))),
        };
        match name {
            "-o" | "--output-format" => options.yaml_output = format(value()?)?,
            "-oj" | "-ojson" => options.yaml_output = false,
            "-oy" | "-oyaml" => options.yaml_output = true,
            "-p" | "--input-format" => options.yaml_input = format(value()?)?,
            "-pj" | "-pjson" => options.yaml_input = false,
            "-i" | "--inplace" => options.in_place = true,
            "-n" | "--null-input" => options.null_input = true,
            "-e" | "--exit-status" => options.exit_status = true,
            "-I" | "--indent" => {
                let width = value()?;
                let width = width.parse::<usize>().map_err(|_| {
                    refuse(format!(
                        "invalid argument \"{width}\" for \"-I, --indent\" flag"
                    ))
                })?;
                options.style.indent = (width > 0).then(|| " ".repeat(width.min(16)));
            }
            "-r" | "--unwrapScalar" => options.style.raw = given.as_deref() != Some("false"),
            "-P" | "--prettyPrint" => {}
            "-M" | "--no-colors" => options.style.colour = false,
            "-C" | "--colors" => options.style.colour = true,
            "-h" | "--help" => return Err(Stop::Help(YQ_HELP.into())),
            "-V" | "--version" => return Err(Stop::Help("yq (lab) version v4\n".into())),
            name if name.starts_with('-') && name.len() > 1 => {
                return Err(refuse(format!("unknown flag: {name}")));
            }
            _ => operands.push(arg),
        }
    }
    let mut operands = operands.into_iter();
    match operands.next() {
        // A lone file is printed.
        Some(file) if operands.len() == 0 && std::path::Path::new(&file).is_file() => {
            options.filter = ".".into();
            options.files.push(file);
        }
        Some(filter) => options.filter = filter,
        None => options.filter = ".".into(),
    }
    options.files.extend(operands);
    if options.in_place && options.files.is_empty() {
        return Err(refuse(
            "write in place flag only applicable when giving an expression and at least one file"
                .into(),
        ));
    }
    Ok(options)
}
