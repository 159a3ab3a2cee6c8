//! What an administrator is told about a configuration: nginx's words, recorded with `nginx -t`.

use guest_nginx::conf::{self, tree};

use crate::site::Text;

#[track_caller]
fn check(text: &str, expect: &str) {
    let got = conf::read(&Text(text.to_owned()), "/etc/nginx/nginx.conf");
    let got = got.map_or_else(|error| error.0, |_| "ok".to_owned());
    assert_eq!(got.replace("/etc/nginx/nginx.conf", "F"), expect, "{text}");
}

#[track_caller]
fn in_server(directives: &str, expect: &str) {
    check(
        &format!("events {{}}\nhttp {{ server {{ {directives} }} }}"),
        expect,
    );
}

#[test]
fn words_blocks_and_ends_are_told_apart() {
    check(
        "events {}\nhttp { foo 1; }",
        "unknown directive \"foo\" in F:2",
    );
    check(
        "events {}\nlisten 80;",
        "\"listen\" directive is not allowed here in F:2",
    );
    check(
        "events {}\nhttp { root a b; }",
        "invalid number of arguments in \"root\" directive in F:2",
    );
    check("events {}\nhttp { root a }", "unexpected \"}\" in F:2");
    check(
        "events {}\nhttp { root {} }",
        "directive \"root\" is not terminated by \";\" in F:2",
    );
    check(
        "events {}\nhttp ;",
        "directive \"http\" has no opening \"{\" in F:2",
    );
    check("events {}\n}", "unexpected \"}\" in F:2");
    check(
        "events {}\nhttp {\n",
        "unexpected end of file, expecting \"}\" in F:3",
    );
    check(
        "events {}\nhttp { root a",
        "unexpected end of file, expecting \";\" or \"}\" in F:2",
    );
    check(
        "events {}\nhttp { default_type \"a",
        "unexpected end of file, expecting \";\" or \"}\" in F:2",
    );
    check(
        "events {}\nhttp { index \"a\"b; }",
        "unexpected \"b\" in F:2",
    );
    check("events {}\n;", "unexpected \";\" in F:2");
    check("http {}", "no \"events\" section in configuration");
    check(
        "events {}\nevents {}",
        "\"events\" directive is duplicate in F:2",
    );
    check(
        "events {}\nhttp { root a; root b; }",
        "\"root\" directive is duplicate in F:2",
    );
}

#[test]
fn values_are_judged_in_nginxs_words() {
    in_server(
        "listen abc:;",
        "invalid port in \"abc:\" of the \"listen\" directive in F:2",
    );
    in_server(
        "listen 99999;",
        "invalid port in \"99999\" of the \"listen\" directive in F:2",
    );
    in_server("listen 80 foo;", "invalid parameter \"foo\" in F:2");
    in_server(
        "listen 80; listen 80;",
        "a duplicate listen 0.0.0.0:80 in F:2",
    );
    in_server(
        "location = /a {} location = /a {}",
        "duplicate location \"/a\" in F:2",
    );
    in_server(
        "location foo /a {}",
        "invalid location modifier \"foo\" in F:2",
    );
    in_server("return abc;", "invalid return code \"abc\" in F:2");
    in_server("return 200 $foo;", "unknown \"foo\" variable");
    in_server(
        "error_page 20 /a;",
        "value \"20\" must be between 300 and 599 in F:2",
    );
    in_server("error_page 404 =abc /a;", "invalid value \"=abc\" in F:2");
    in_server(
        "autoindex maybe;",
        "invalid value \"maybe\" in \"autoindex\" directive, it must be \"on\" or \"off\" in F:2",
    );
    in_server(
        "keepalive_timeout x;",
        "\"keepalive_timeout\" directive invalid value in F:2",
    );
    in_server(
        "client_max_body_size 1x;",
        "\"client_max_body_size\" directive invalid value in F:2",
    );
    in_server(
        "access_log /x nofmt;",
        "unknown log format \"nofmt\" in F:2",
    );
    in_server("error_log stderr bad;", "invalid log level \"bad\" in F:2");
}

#[test]
fn what_this_lab_lacks_is_refused_by_name() {
    in_server(
        "ssl_certificate x;",
        "directive \"ssl_certificate\" is not in this lab yet in F:2",
    );
    in_server(
        "listen 443 ssl;",
        "\"ssl\" of the \"listen\" directive is not in this lab yet in F:2",
    );
    in_server(
        "location / { proxy_pass http://x; }",
        "directive \"proxy_pass\" is not in this lab yet in F:2",
    );
    in_server(
        "location / { location /a {} }",
        "a location inside a location is not in this lab yet in F:2",
    );
}

#[test]
fn comments_quotes_and_includes_are_understood() {
    in_server("# listen x;\n add_header 'A b' \"c;\\\"}\"; # end\n", "ok");
    check(
        "events {}\nhttp {\n include nope;\n}",
        "open() \"/etc/nginx/nope\" failed (2: No such file or directory) in F:3",
    );
    // A star reads every file that fits, and an error names the file it stands in.
    check(
        "events {}\nhttp { include conf.d/*.conf; }",
        "unknown directive \"oops\" in /etc/nginx/conf.d/b.conf:3",
    );
}

#[test]
fn an_inclusion_of_oneself_ends() {
    check(
        "include nginx.conf;",
        "the configuration is larger than this lab allows in F:1",
    );
}

#[test]
fn the_built_in_configuration_is_one() {
    check(include_str!("../../files/nginx.conf"), "ok");
}

#[test]
fn a_stock_configuration_is_accepted() {
    check(
        "user nginx;\nworker_processes auto;\nerror_log /var/log/nginx/error.log notice;\npid /run/nginx.pid;\n\
         events { worker_connections 1024; }\nhttp {\n types { text/html html htm; }\n\
         log_format main '$remote_addr - $remote_user [$time_local] \"$request\" '\n\
         '$status $body_bytes_sent \"$http_referer\" \"$http_user_agent\" \"$http_x_forwarded_for\"';\n\
         access_log /var/log/nginx/access.log main;\n sendfile on;\n keepalive_timeout 65;\n\
         server { listen 80; listen [::]:80; server_name localhost;\n\
         location / { root /usr/share/nginx/html; index index.html index.htm; }\n\
         error_page 500 502 503 504 /50x.html;\n location = /50x.html { root /usr/share/nginx/html; } } }",
        "ok",
    );
}

#[test]
fn stars_and_question_marks_fit_as_in_a_shell() {
    for (pattern, name, fits) in [
        ("*.conf", "a.conf", true),
        ("*.conf", "a.conf.bak", false),
        ("?.conf", "a.conf", true),
        ("a*b*c", "axxbyyc", true),
        ("a*b*c", "axxbyy", false),
        ("", "", true),
        ("*", "", true),
    ] {
        assert_eq!(tree::fits(pattern, name), fits, "{pattern} {name}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "[a-z {};#\"'\\\\$\n~=^*/.0-9]{0,200}") {
        let _ = conf::read(&Text(format!("events {{}} {text}")), "/etc/nginx/nginx.conf");
    }
}
