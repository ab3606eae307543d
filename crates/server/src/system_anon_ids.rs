//! The `anon_id`s, from the random numbers of the system.

use convosync_domain::ports::AnonIds;

use crate::random_secret::random_secret;

/// The random numbers of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemAnonIds;

impl AnonIds for SystemAnonIds {
    fn generate(&self) -> String {
        // No identity is empty, so without one the registration is refused.
        random_secret().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anon_id_is_43_characters_of_base64url_and_new_each_time() {
        let (one, two) = (SystemAnonIds.generate(), SystemAnonIds.generate());
        assert_eq!(one.len(), 43);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        assert!(one.bytes().all(allowed));
        assert_ne!(one, two);
    }
}
