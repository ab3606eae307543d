//! The `anon_id`s, from the random numbers of the system.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use convosync_domain::ports::AnonIds;

/// The random numbers of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemAnonIds;

impl AnonIds for SystemAnonIds {
    fn generate(&self) -> String {
        let mut secret = [0; 32];
        match getrandom::fill(&mut secret) {
            Ok(()) => URL_SAFE_NO_PAD.encode(secret),
            // No identity is empty, so the registration is refused.
            Err(_) => String::new(),
        }
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
