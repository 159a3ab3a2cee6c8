//! The command line of `nginx`. It runs nothing.

/// What `nginx` was asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-c`: the configuration.
    pub conf: Option<String>,
    /// `-p`: where relative paths begin.
    pub prefix: Option<String>,
    /// `-t` or `-T`: only test the configuration.
    pub test: bool,
    /// `-T`: show it too.
    pub dump: bool,
    /// `-q`: say nothing but errors while testing.
    pub quiet: bool,
    /// `-v`, `-V`, `-?` or `-h`: only say the version.
    pub version: bool,
    /// `-V`: and how it was built.
    pub built: bool,
    /// `-?` or `-h`: and how it is called.
    pub help: bool,
    /// `-g`: directives outside of the configuration.
    pub directives: Option<String>,
    /// `-s`: the signal to send to the server that runs.
    pub signal: Option<String>,
    /// `-e`: where errors go before the configuration says.
    pub error_log: Option<String>,
}

/// Understands the arguments of `nginx`; the error is nginx's own.
pub fn nginx(args: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(letters) = arg.strip_prefix('-') else {
            return Err(format!("invalid option: \"{arg}\""));
        };
        for (at, letter) in letters.char_indices() {
            let mut value = |what: &str| {
                let rest = &letters[at + letter.len_utf8()..];
                let value = if rest.is_empty() {
                    args.next().cloned()
                } else {
                    Some(rest.to_owned())
                };
                value.ok_or_else(|| format!("option \"-{letter}\" requires {what}"))
            };
            match letter {
                't' => options.test = true,
                'T' => (options.test, options.dump) = (true, true),
                'q' => options.quiet = true,
                'v' => options.version = true,
                'V' => (options.version, options.built) = (true, true),
                '?' | 'h' => (options.version, options.help) = (true, true),
                'c' => options.conf = Some(value("file name")?),
                'p' => options.prefix = Some(value("directory name")?),
                'g' => options.directives = Some(value("parameter")?),
                'e' => options.error_log = Some(value("file name")?),
                's' => {
                    let signal = value("parameter")?;
                    if !["stop", "quit", "reopen", "reload"].contains(&signal.as_str()) {
                        return Err(format!("invalid option: \"-s {signal}\""));
                    }
                    options.signal = Some(signal);
                }
                other => return Err(format!("invalid option: \"{other}\"")),
            }
            if matches!(letter, 'c' | 'p' | 'g' | 'e' | 's') {
                break;
            }
        }
    }
    Ok(options)
}
