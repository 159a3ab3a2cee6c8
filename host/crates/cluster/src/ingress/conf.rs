//! The text of the configuration. Never looks at an object.

use super::{FOLDER, Host, Path, PathKind, Wanted};
use std::fmt::Write;

/// Where the kubelet asks how the controller is, as upstream's manifests have it.
const HEALTH_PORT: u16 = 10_254;

const HEAD: &str = "\
# Written by the lab's ingress controller; changes here are lost.
error_log stderr notice;
events {}
http {
  access_log /dev/stdout;
  server_tokens off;
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Host $host;
  proxy_set_header X-Forwarded-Port $server_port;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Scheme $scheme;
";

pub(super) fn text(wanted: &Wanted) -> String {
    let mut text = HEAD.to_owned();
    for (name, endpoints) in &wanted.upstreams {
        if endpoints.is_empty() {
            continue;
        }
        let servers: String = endpoints
            .iter()
            .map(|endpoint| format!("    server {endpoint};\n"))
            .collect();
        push(
            &mut text,
            format_args!("  upstream {name} {{\n{servers}  }}\n"),
        );
    }
    push(
        &mut text,
        format_args!(
            "  server {{\n    listen {HEALTH_PORT};\n    access_log off;\n    location = /healthz {{ return 200; }}\n    location / {{ return 404; }}\n  }}\n"
        ),
    );
    let nobody = Host::default();
    let everybody = wanted.hosts.get("").unwrap_or(&nobody);
    server(&mut text, wanted, "_", "80 default_server", everybody);
    for (name, host) in wanted.hosts.iter().filter(|(name, _)| !name.is_empty()) {
        if let Some(secret) = &host.tls {
            if host.redirect {
                push(
                    &mut text,
                    format_args!(
                        "  server {{\n    listen 80;\n    server_name {name};\n    location / {{ return 308 https://$host$request_uri; }}\n  }}\n"
                    ),
                );
            } else {
                server(&mut text, wanted, name, "80", host);
            }
            let stem = format!("{FOLDER}/{}", secret.replace('/', "-"));
            let listen = format!(
                "443 ssl;\n    ssl_certificate {stem}.crt;\n    ssl_certificate_key {stem}.key"
            );
            server(&mut text, wanted, name, &listen, host);
        } else {
            server(&mut text, wanted, name, "80", host);
        }
    }
    text.push_str("}\n");
    text
}

fn server(text: &mut String, wanted: &Wanted, name: &str, listen: &str, host: &Host) {
    push(
        text,
        format_args!("  server {{\n    listen {listen};\n    server_name {name};\n"),
    );
    for path in &host.paths {
        location(text, wanted, path);
    }
    if !host
        .paths
        .iter()
        .any(|path| path.path == "/" && path.kind == PathKind::Prefix)
    {
        text.push_str("    location / { return 404; }\n");
    }
    text.push_str("  }\n");
}

fn location(text: &mut String, wanted: &Wanted, path: &Path) {
    let body = body(wanted, path);
    let at = path.path.as_str();
    match path.kind {
        PathKind::Exact => push(text, format_args!("    location = {at} {{{body}}}\n")),
        PathKind::Regex => push(text, format_args!("    location ~* ^{at} {{{body}}}\n")),
        PathKind::Prefix if at == "/" => push(text, format_args!("    location / {{{body}}}\n")),
        PathKind::Prefix => {
            // `/shop` means `/shop` and what is below it, not `/shopping`.
            let bare = at.trim_end_matches('/');
            push(text, format_args!("    location = {bare} {{{body}}}\n"));
            push(text, format_args!("    location {bare}/ {{{body}}}\n"));
        }
    }
}

fn body(wanted: &Wanted, path: &Path) -> String {
    let empty = wanted.upstreams.get(&path.upstream);
    if empty.is_none_or(Vec::is_empty) {
        return " return 503; ".to_owned();
    }
    let rewrite = path.rewrite.as_ref().map(|target| {
        let from = match path.kind {
            PathKind::Regex => format!("(?i){}", path.path),
            PathKind::Exact | PathKind::Prefix => format!("^{}", path.path),
        };
        format!(" rewrite {from} {target} break;")
    });
    format!(
        "{} proxy_pass http://{}; ",
        rewrite.unwrap_or_default(),
        path.upstream
    )
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.write_fmt(more).expect("text grows");
}
