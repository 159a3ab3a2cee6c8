//! `.netrc`: users and passwords by machine. It reads text, not files.

use crate::auth::Login;

/// Who to be on this host; a user that is already known keeps the name.
pub(crate) fn find(text: &str, host: &str, user: Option<&str>) -> Option<Login> {
    let mut words = text
        .lines()
        .take_while(|_| true)
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace);
    let mut found: Option<(Option<&str>, Option<&str>)> = None;
    let fits = |found: &Option<(Option<&str>, Option<&str>)>| -> Option<Login> {
        let (login, password) = (*found)?;
        let name = login.or(user)?;
        // A user of one's own gets the machine's password, as in curl.
        Some(Login {
            user: user.unwrap_or(name).to_owned(),
            password: password.unwrap_or_default().to_owned(),
        })
    };
    while let Some(word) = words.next() {
        match word.to_ascii_lowercase().as_str() {
            "machine" => {
                if let Some(login) = fits(&found) {
                    return Some(login);
                }
                let name = words.next()?;
                found = name.eq_ignore_ascii_case(host).then_some((None, None));
            }
            "default" => {
                if let Some(login) = fits(&found) {
                    return Some(login);
                }
                found = Some((None, None));
            }
            "login" => {
                let name = words.next()?;
                if let Some((login, _)) = &mut found {
                    *login = Some(name);
                }
            }
            "password" => {
                let secret = words.next()?;
                if let Some((_, password)) = &mut found {
                    *password = Some(secret);
                }
            }
            _ => {}
        }
    }
    fits(&found)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_machine_has_its_own_login_and_others_the_default() {
        let text = "# mine\nmachine a login x password 1\nmachine b\n login y\n password 2\ndefault login z password 3\n";
        let login =
            |host, user| find(text, host, user).map(|l| format!("{}:{}", l.user, l.password));
        assert_eq!(login("a", None).as_deref(), Some("x:1"));
        assert_eq!(login("B", None).as_deref(), Some("y:2"));
        assert_eq!(login("c", None).as_deref(), Some("z:3"));
        assert_eq!(login("a", Some("z")).as_deref(), Some("z:1"));
    }
}
