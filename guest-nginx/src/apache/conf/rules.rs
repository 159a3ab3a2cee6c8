//! Which directives there are, whose they are, where they may stand and how many arguments they take,
//! with the words Apache says when they take others. It gives them no meaning.

/// Where and how a directive may stand.
#[derive(Debug)]
pub(super) struct Rule {
    /// The name, as Apache spells it.
    pub name: &'static str,
    /// The module it belongs to.
    pub module: &'static str,
    /// The places.
    pub place: Place,
    /// The least and most arguments.
    pub args: (usize, usize),
    /// What Apache says after the name when there are others.
    pub help: &'static str,
}

/// The places of a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The server's own level only.
    Global,
    /// There, and in a virtual host.
    Host,
    /// There, and in sections for folders, places and files.
    Any,
    /// In those sections only.
    Inside,
}

const MANY: usize = usize::MAX;

const fn rule(
    name: &'static str,
    module: &'static str,
    place: Place,
    args: (usize, usize),
    help: &'static str,
) -> Rule {
    Rule {
        name,
        module,
        place,
        args,
        help,
    }
}

use Place::{Any, Global, Host, Inside};

/// All of them.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule("Listen", "core", Global, (1, 2), "requires 1 or 2 arguments."),
    rule("ServerName", "core", Host, (1, 1), "takes one argument, The hostname and port of the server"),
    rule("ServerAlias", "core", Host, (0, MANY), ""),
    rule("ServerAdmin", "core", Host, (1, 1), "takes one argument, The email address of the server administrator"),
    rule("DocumentRoot", "core", Host, (1, 1), "takes one argument, Root directory of the document tree"),
    rule("User", "unixd", Global, (1, 1), "takes one argument, Effective user id for this server"),
    rule("Group", "unixd", Global, (1, 1), "takes one argument, Effective group id for this server"),
    rule("PidFile", "core", Global, (1, 1), "takes one argument, A file for logging the server process ID"),
    rule("Require", "authz_core", Inside, (0, MANY), ""),
    rule("order", "access_compat", Inside, (1, 1), "takes one argument, 'allow,deny', 'deny,allow', or 'mutual-failure'"),
    rule("allow", "access_compat", Inside, (2, MANY), "requires at least two arguments, 'from' followed by hostnames or IP-address wildcards"),
    rule("deny", "access_compat", Inside, (2, MANY), "requires at least two arguments, 'from' followed by hostnames or IP-address wildcards"),
    rule("Satisfy", "access_compat", Inside, (1, 2), "takes one or two arguments, access policy if both allow and require used ('all' or 'any')"),
    rule("AuthType", "authn_core", Inside, (1, 1), "takes one argument, an HTTP authorization type (e.g., \"Basic\")"),
    rule("AuthName", "authn_core", Inside, (1, 1), "takes one argument, the authentication realm (e.g. \"Members Only\")"),
    rule("AuthUserFile", "authn_file", Inside, (1, 1), "takes one argument, text file containing user IDs and passwords"),
    rule("AuthBasicProvider", "auth_basic", Inside, (1, MANY), "requires at least one argument, specify the auth providers for a directory or location"),
    rule("FallbackResource", "dir", Any, (1, 1), "takes one argument, Set a default handler"),
    rule("AliasMatch", "alias", Host, (1, 2), "takes 1-2 arguments, a regular expression and a filename, or a filename in a LocationMatch"),
    rule("ScriptAlias", "alias", Host, (1, 2), "takes 1-2 arguments, a fakename and a realname, or a realname in a Location"),
    rule("RedirectMatch", "alias", Any, (1, 3), "takes one, two or three arguments, an optional status, then a regular expression and destination URL"),
    rule("AddCharset", "mime", Any, (2, MANY), "requires at least two arguments, a charset (e.g., iso-2022-jp), followed by one or more file extensions"),
    rule("AddLanguage", "mime", Any, (2, MANY), "requires at least two arguments, a language (e.g., fr), followed by one or more file extensions"),
    rule("AddEncoding", "mime", Any, (2, MANY), "requires at least two arguments, an encoding (e.g., gzip), followed by one or more file extensions"),
    rule("RemoveType", "mime", Any, (1, MANY), "requires at least one argument, one or more file extensions"),
    rule("ForceType", "core", Any, (1, 1), "takes one argument, a mime type that overrides other configured type"),
    rule("AddDefaultCharset", "core", Any, (1, 1), "takes one argument, The name of the default charset to add to any Content-Type without one or 'Off' to disable"),
    rule("SetHandler", "core", Any, (1, 1), "takes one argument, a handler name that overrides any other configured handler"),
    rule("TraceEnable", "core", Host, (1, 1), "takes one argument, 'on' (default), 'off' or 'extended' to trace request body content"),
    rule("Error", "core", Any, (1, 1), "takes one argument, Generate error message from within configuration."),
    rule("MaxRequestWorkers", "mpm", Global, (1, 1), "takes one argument, Maximum number of threads alive at the same time"),
    rule("RequestReadTimeout", "reqtimeout", Host, (1, MANY), "requires at least one argument"),
    rule("Options", "core", Any, (0, MANY), ""),
    rule("AllowOverride", "core", Inside, (0, MANY), ""),
    rule("DirectoryIndex", "dir", Any, (0, MANY), ""),
    rule("ErrorLog", "core", Host, (1, 1), "takes one argument, The filename of the error log"),
    rule("LogLevel", "core", Any, (1, MANY), "requires at least one argument, Level of verbosity in error logging"),
    rule("LogFormat", "log_config", Host, (1, 2), "takes 1-2 arguments, a log format string (see docs) and an optional format name"),
    rule("CustomLog", "log_config", Host, (2, 3), "takes two or three arguments, a file name, a custom log format string or format name, and an optional \"env=\" or \"expr=\" clause (see docs)"),
    rule("ErrorDocument", "core", Any, (2, 2), "takes two arguments, Change responses for HTTP errors"),
    rule("Alias", "alias", Host, (1, 2), "takes 1-2 arguments, a fakename and a realname, or a realname in a Location"),
    rule("Redirect", "alias", Any, (1, 3), "takes one, two or three arguments, an optional status, then document to be redirected and destination URL"),
    rule("RedirectPermanent", "alias", Any, (2, 2), "takes two arguments, a document to be redirected, then the destination URL"),
    rule("RedirectTemp", "alias", Any, (2, 2), "takes two arguments, a document to be redirected, then the destination URL"),
    rule("Header", "headers", Any, (0, MANY), ""),
    rule("AddType", "mime", Any, (2, MANY), "requires at least two arguments, a mime type followed by one or more file extensions"),
    rule("TypesConfig", "mime", Global, (1, 1), "takes one argument, the MIME types config file"),
    rule("ServerTokens", "core", Global, (1, 1), "takes one argument, Determine tokens displayed in the Server: header - Min(imal), Major, Minor, Prod(uctOnly), OS, or Full"),
    rule("ServerSignature", "core", Any, (1, 1), "takes one argument, En-/disable server signature (on|off|email)"),
    rule("KeepAlive", "core", Host, (1, 1), "must be On or Off"),
    rule("KeepAliveTimeout", "core", Host, (1, 1), "takes one argument, Keep-Alive timeout duration (sec)"),
    rule("MaxKeepAliveRequests", "core", Host, (1, 1), "takes one argument, Maximum number of Keep-Alive requests per connection, or 0 for infinite"),
    rule("Timeout", "core", Host, (1, 1), "takes one argument, Timeout duration (sec)"),
];

/// The rule of a directive.
pub(super) fn of(name: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.name.eq_ignore_ascii_case(name))
}
