//! The command lines of `nginx` and `httpd`. It runs nothing.

/// What `nginx` was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// `-c`: the configuration.
    pub conf: Option<String>,
    /// `-t` or `-T`: only test the configuration.
    pub test: bool,
    /// `-q`: say nothing but errors while testing.
    pub quiet: bool,
    /// `-v`, `-V` or `-?`: only say the version.
    pub version: bool,
    /// `-g`: directives outside of the configuration.
    pub directives: Option<String>,
}

/// Understands the arguments of `nginx`; the error is nginx's own.
pub fn nginx(args: &[String]) -> Result<Options, String> {
    let mut options = Options {
        conf: None,
        test: false,
        quiet: false,
        version: false,
        directives: None,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let Some(letters) = arg.strip_prefix('-') else {
            return Err(format!("invalid option: \"{arg}\""));
        };
        for (at, letter) in letters.char_indices() {
            let mut value = |message: &str| {
                let rest = &letters[at + letter.len_utf8()..];
                let value = if rest.is_empty() {
                    args.next().cloned()
                } else {
                    Some(rest.to_owned())
                };
                value.ok_or_else(|| message.to_owned())
            };
            match letter {
                't' => options.test = true,
                'q' => options.quiet = true,
                'v' | 'V' | '?' | 'h' => options.version = true,
                'c' => options.conf = Some(value("option \"-c\" requires file name")?),
                'g' => options.directives = Some(value("option \"-g\" requires parameter")?),
                'e' => drop(value("option \"-e\" requires file name")?),
                'p' | 's' | 'T' => {
                    return Err(format!("option \"-{letter}\" is not in this lab yet"));
                }
                other => return Err(format!("invalid option: \"{other}\"")),
            }
            if matches!(letter, 'c' | 'g' | 'e') {
                break;
            }
        }
    }
    Ok(options)
}
