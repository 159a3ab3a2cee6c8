//! Apache's words for statuses, its pages for errors, and its way of escaping in logs.

use super::{Draft, text};

/// What stands behind the status in the first line of an answer.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        410 => "Gone",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Requested Range Not Satisfiable",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

/// The page about a status; `about` is the method, place or detail that the text names.
pub(super) fn page(status: u16, about: &str) -> Draft {
    let title = reason(status);
    let about = about
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let words = match status {
        301 | 302 | 307 | 308 => format!("<p>The document has moved <a href=\"{about}\">here</a>.</p>\n"),
        303 => format!("<p>The answer to your request is located <a href=\"{about}\">here</a>.</p>\n"),
        410 => "<p>The requested resource is no longer available on this server and there is no forwarding address.\nPlease remove all references to this resource.</p>\n".to_owned(),
        400 => {
            let detail = if about.is_empty() { String::new() } else { about };
            format!("<p>Your browser sent a request that this server could not understand.<br />\n{detail}</p>\n")
        }
        401 => "<p>This server could not verify that you\nare authorized to access the document\nrequested.  Either you supplied the wrong\ncredentials (e.g., bad password), or your\nbrowser doesn't understand how to supply\nthe credentials required.</p>\n".to_owned(),
        403 => "<p>You don't have permission to access this resource.</p>\n".to_owned(),
        404 => "<p>The requested URL was not found on this server.</p>\n".to_owned(),
        405 => format!("<p>The requested method {about} is not allowed for this URL.</p>\n"),
        414 => "<p>The requested URL's length exceeds the capacity\nlimit for this server.<br />\n</p>\n".to_owned(),
        416 => "<p>None of the range-specifier values in the Range\nrequest-header field overlap the current \
                extent\nof the selected resource.</p>\n"
            .to_owned(),
        501 => format!("<p>{about} not supported for current URL.<br />\n</p>\n"),
        _ => String::new(),
    };
    let page = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n\
         <html><head>\n<title>{status} {title}</title>\n</head><body>\n<h1>{title}</h1>\n{words}</body></html>\n"
    );
    text(
        status,
        page.into_bytes(),
        Some("text/html; charset=iso-8859-1".to_owned()),
    )
}

/// Writes bytes so that they cannot be taken for something else in Apache's log.
pub(super) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0..=0x1f | 0x7f..=0xff => out.extend(format!("\\x{byte:02x}").into_bytes()),
            plain => out.push(*plain),
        }
    }
}
