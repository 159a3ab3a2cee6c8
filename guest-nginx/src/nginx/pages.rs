//! nginx's words for statuses, and the pages it makes up for errors and redirects.

use std::sync::OnceLock;

/// What nginx calls itself: the release that its image names in `NGINX_VERSION`, as the official
/// image does, so that one program stands for every tag.
pub fn product() -> &'static str {
    static PRODUCT: OnceLock<String> = OnceLock::new();
    PRODUCT.get_or_init(|| {
        let release = std::env::var("NGINX_VERSION").unwrap_or_default();
        let is_release = !release.is_empty()
            && release
                .chars()
                .all(|letter| letter.is_ascii_digit() || letter == '.');
        let release = if is_release { &release } else { "1.27.5" };
        format!("nginx/{release}")
    })
}

/// What stands behind the status in the first line of an answer.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        302 => "Moved Temporarily",
        304 => "Not Modified",
        401 => "Unauthorized",
        other => title(other),
    }
}

/// What the page about a status is called; empty when nginx has none.
pub fn title(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Authorization Required",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        415 => "Unsupported Media Type",
        416 => "Requested Range Not Satisfiable",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Temporarily Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        _ => "",
    }
}

/// The page about a status; nothing when nginx has none.
pub fn page(status: u16, product: &str) -> Option<String> {
    // 494 is what nginx calls a large head inside; the client sees 400.
    let (number, words, more) = match status {
        494 => (
            400,
            "Request Header Or Cookie Too Large",
            "Request Header Or Cookie Too Large",
        ),
        495 => (
            400,
            "The SSL certificate error",
            "The SSL certificate error",
        ),
        496 => (
            400,
            "No required SSL certificate was sent",
            "No required SSL certificate was sent",
        ),
        497 => (
            400,
            "The plain HTTP request was sent to HTTPS port",
            "The plain HTTP request was sent to HTTPS port",
        ),
        other => (other, title(other), ""),
    };
    if words.is_empty() {
        return None;
    }
    let heading = if more.is_empty() {
        words
    } else {
        "Bad Request"
    };
    let more = if more.is_empty() {
        String::new()
    } else {
        format!("<center>{more}</center>\r\n")
    };
    Some(format!(
        "<html>\r\n<head><title>{number} {words}</title></head>\r\n<body>\r\n\
         <center><h1>{number} {heading}</h1></center>\r\n{more}\
         <hr><center>{product}</center>\r\n</body>\r\n</html>\r\n"
    ))
}
