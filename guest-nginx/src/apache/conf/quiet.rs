//! Directives that Apache knows and that change nothing here: some because there is nothing to change,
//! some because it is not in this lab, which is said. None of them is given a meaning.

/// A directive without effect.
#[derive(Debug)]
pub(super) struct Quiet {
    /// The name, as Apache spells it.
    pub name: &'static str,
    /// The module it belongs to.
    pub module: &'static str,
    /// Why it changes nothing; nothing when it should.
    pub because: Option<&'static str>,
}

const fn nothing(name: &'static str, module: &'static str, because: &'static str) -> Quiet {
    Quiet {
        name,
        module,
        because: Some(because),
    }
}

const fn missing(name: &'static str, module: &'static str) -> Quiet {
    Quiet {
        name,
        module,
        because: None,
    }
}

const ONE: &str = "one process serves everybody, and each client has a task of its own";
const NO_HTACCESS: &str = "AllowOverride has to be None, so that no such file is read";

/// All of them.
#[rustfmt::skip]
const QUIET: &[Quiet] = &[
    nothing("StartServers", "mpm", ONE),
    nothing("MinSpareThreads", "mpm", ONE),
    nothing("MaxSpareThreads", "mpm", ONE),
    nothing("MinSpareServers", "mpm", ONE),
    nothing("MaxSpareServers", "mpm", ONE),
    nothing("ThreadLimit", "mpm", ONE),
    nothing("ThreadsPerChild", "mpm", ONE),
    nothing("ServerLimit", "mpm", ONE),
    nothing("AsyncRequestWorkerFactor", "mpm", ONE),
    nothing("MaxConnectionsPerChild", "mpm", ONE),
    nothing("MaxMemFree", "mpm", ONE),
    nothing("ListenBackLog", "mpm", "a connection is taken as soon as it comes"),
    nothing("GracefulShutdownTimeout", "mpm", "a graceful stop waits for those who are being answered"),
    nothing("CoreDumpDirectory", "mpm", "a program of the lab leaves no core"),
    nothing("ScoreBoardFile", "mpm", ONE),
    nothing("Mutex", "core", ONE),
    nothing("DefaultRuntimeDir", "core", ONE),
    nothing("AccessFileName", "core", NO_HTACCESS),
    nothing("AllowOverrideList", "core", NO_HTACCESS),
    nothing("EnableMMAP", "core", "there is no memory to map a file into"),
    nothing("EnableSendfile", "core", "files are read and written"),
    nothing("AcceptFilter", "core", "Linux' own, of which clients see nothing"),
    nothing("ExtendedStatus", "core", "the page it is about is not in this lab"),
    nothing("LanguagePriority", "negotiation", "MultiViews and type maps are refused, so nothing is chosen"),
    nothing("ForceLanguagePriority", "negotiation", "MultiViews and type maps are refused, so nothing is chosen"),
    nothing("SetEnv", "env", "no program and no condition reads the environment"),
    nothing("PassEnv", "env", "no program and no condition reads the environment"),
    nothing("UnsetEnv", "env", "no program and no condition reads the environment"),
    nothing("RequestHeader", "headers", "no program and no condition reads a request's headers but ours"),
    missing("HostnameLookups", "core"),
    missing("UseCanonicalName", "core"),
    missing("UseCanonicalPhysicalPort", "core"),
    missing("FileETag", "core"),
    missing("LimitRequestBody", "core"),
    missing("LimitRequestFields", "core"),
    missing("LimitRequestFieldSize", "core"),
    missing("LimitRequestLine", "core"),
    missing("ContentDigest", "core"),
    missing("ErrorLogFormat", "core"),
    missing("MaxRanges", "core"),
    missing("AddOutputFilter", "mime"),
    missing("AddInputFilter", "mime"),
    missing("SetOutputFilter", "core"),
    missing("SetInputFilter", "core"),
    missing("AddOutputFilterByType", "filter"),
    missing("HttpProtocolOptions", "core"),
    missing("Protocols", "core"),
    missing("AddHandler", "mime"),
    missing("DefaultLanguage", "mime"),
    missing("IndexOptions", "autoindex"),
    missing("IndexOrderDefault", "autoindex"),
    missing("IndexIgnore", "autoindex"),
    missing("AddIcon", "autoindex"),
    missing("AddIconByType", "autoindex"),
    missing("AddIconByEncoding", "autoindex"),
    missing("AddAlt", "autoindex"),
    missing("AddDescription", "autoindex"),
    missing("DefaultIcon", "autoindex"),
    missing("ReadmeName", "autoindex"),
    missing("HeaderName", "autoindex"),
    missing("BrowserMatch", "setenvif"),
    missing("BrowserMatchNoCase", "setenvif"),
    missing("SetEnvIf", "setenvif"),
    missing("SetEnvIfNoCase", "setenvif"),
];

/// The directive of that name.
pub(super) fn of(name: &str) -> Option<&'static Quiet> {
    QUIET
        .iter()
        .find(|quiet| quiet.name.eq_ignore_ascii_case(name))
}
