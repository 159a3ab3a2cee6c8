//! Apache's modules: which are part of the program, which may be loaded, which are not in this lab.
//! It loads nothing: what a module brings is known from the start and only allowed by it.

/// Modules that are part of the program.
pub(in crate::apache) const BUILT_IN: [&str; 3] = ["core", "so", "http"];

/// Modules that may be loaded.
const LOADABLE: &str = " access_compat alias auth_basic authn_core authn_file authz_core authz_groupfile \
    authz_host authz_user autoindex dir env filter headers log_config logio mime mpm_event mpm_prefork \
    mpm_worker negotiation reqtimeout setenvif status unixd version watchdog ";

/// Those that Debian has in the program itself, so that files for either can be read.
const DEBIANS: [&str; 5] = ["log_config", "logio", "unixd", "version", "watchdog"];

/// Modules that httpd's image and Debian have and this lab has not.
const ELSEWHERE: &str = " actions allowmethods asis auth_digest auth_form authn_anon authn_dbd authn_dbm \
    authn_socache authnz_fcgi authnz_ldap authz_dbd authz_dbm authz_owner brotli buffer cache cache_disk \
    cache_socache cern_meta cgi cgid charset_lite data dav dav_fs dav_lock dbd deflate dialup dumpio echo \
    expires ext_filter file_cache heartbeat heartmonitor http2 ident imagemap include info \
    lbmethod_bybusyness lbmethod_byrequests lbmethod_bytraffic lbmethod_heartbeat ldap log_debug \
    log_forensic lua macro md mime_magic proxy proxy_ajp proxy_balancer proxy_connect proxy_express \
    proxy_fcgi proxy_fdpass proxy_ftp proxy_hcheck proxy_html proxy_http proxy_http2 proxy_scgi \
    proxy_uwsgi proxy_wstunnel ratelimit reflector remoteip request rewrite sed session session_cookie \
    session_crypto session_dbd slotmem_plain slotmem_shm socache_dbm socache_memcache socache_redis \
    socache_shmcb speling ssl substitute suexec unique_id userdir usertrack vhost_alias xml2enc ";

/// What `IfVersion` compares with.
const VERSION: [u32; 3] = [2, 4, 67];

/// The name of the module that `LoadModule` loads.
///
/// # Errors
/// That it cannot be had, in Apache's words where Apache says so.
pub(super) fn loaded(module: &str, path: &str) -> Result<String, String> {
    let name = module.strip_suffix("_module").unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or(path);
    let asked = format!(" {name} ");
    let right = !name.is_empty() && file == format!("mod_{name}.so");
    if right && LOADABLE.contains(&asked) {
        return Ok(name.to_owned());
    }
    if right && ELSEWHERE.contains(&asked) {
        return Err(format!(
            "Cannot load {path} into server: mod_{name} is not in this lab"
        ));
    }
    Err(format!(
        "Cannot load {path} into server: {path}: cannot open shared object file: No such file or directory"
    ))
}

/// The module that `IfModule` means: `x_module`, `mod_x.c`, or `x.c`.
pub(super) fn name_of(asked: &str) -> Option<String> {
    if let Some(name) = asked.strip_suffix("_module") {
        return Some(name.to_owned());
    }
    let file = asked.strip_suffix(".c")?;
    Some(file.strip_prefix("mod_").unwrap_or(file).to_owned())
}

/// Whether a module need not be loaded.
pub(super) fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name) || DEBIANS.contains(&name)
}

/// Whether the version is what `IfVersion` asks for.
///
/// # Errors
/// What Apache says about a comparison or a version that is none.
pub(super) fn is_version(args: &[String]) -> Result<bool, String> {
    let (how, asked) = match args {
        [asked] => ("=", asked.as_str()),
        [how, asked] => (how.as_str(), asked.as_str()),
        _ => return Err("<IfVersion> takes one or two arguments".to_owned()),
    };
    let mut numbers = [0; 3];
    for (own, part) in numbers.iter_mut().zip(asked.split('.')) {
        *own = part
            .parse()
            .map_err(|_| format!("Version appears to be invalid. It must have the format major[.minor[.patch]]: {asked}"))?;
    }
    let held = match how {
        "" | "=" | "==" => VERSION == numbers,
        ">" => VERSION > numbers,
        ">=" => VERSION >= numbers,
        "<" => VERSION < numbers,
        "<=" => VERSION <= numbers,
        _ => return Err(format!("unrecognized operator '{how}'")),
    };
    Ok(held)
}
