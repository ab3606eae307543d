//! The ids and secrets of API keys, from the random numbers of the system.

use convosync_domain::api_key::ApiKeyId;
use convosync_domain::ports::ApiKeySecrets;

use crate::random_secret::random_secret;

/// The random numbers of the system.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemApiKeys;

impl ApiKeySecrets for SystemApiKeys {
    fn generate(&self) -> Option<(ApiKeyId, String)> {
        let id = getrandom::u64().ok()?;
        Some((ApiKeyId::from_bits(id), random_secret()?))
    }
}

#[cfg(test)]
mod tests {
    use convosync_domain::api_key::ApiKeyToken;

    use super::*;

    #[test]
    fn an_id_and_a_secret_make_a_token_and_are_new_each_time() {
        let (id, secret) = SystemApiKeys.generate().unwrap();
        let (other_id, other_secret) = SystemApiKeys.generate().unwrap();
        assert_eq!(ApiKeyToken::new(id, &secret).unwrap().id(), id);
        assert_ne!(id, other_id);
        assert_ne!(secret, other_secret);
    }
}
