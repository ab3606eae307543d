use std::time::Duration;

use convosync_domain::identity::VisitorIdentity;
use convosync_domain::ports::{TokenRefused, VerifiedToken};
use convosync_domain::timestamp::Timestamp;
use serde_json::Value;

use crate::members::Members;

/// By how much the clocks of issuers may differ from ours, in microseconds.
const LEEWAY: i64 = 60 * 1_000_000;

/// What a token has to say.
pub(crate) struct ClaimRules {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) user_claim: String,
    pub(crate) max_lifetime: Option<Duration>,
}

/// Whose a token is, and when it is good.
#[derive(Clone)]
pub(crate) struct GoodToken {
    user_id: String,
    from: Timestamp,
    until: Timestamp,
}

impl GoodToken {
    /// What it says, if it is good at this moment.
    pub(crate) fn at(self, now: Timestamp) -> Option<VerifiedToken> {
        (self.from <= now && now < self.until).then_some(VerifiedToken {
            user_id: self.user_id,
            expires_at: self.until,
        })
    }
}

/// The times a token names, in microseconds since 1970.
struct Times {
    expires: i64,
    not_before: Option<i64>,
    issued: Option<i64>,
}

impl ClaimRules {
    /// What a token whose signature is right says, if it may be taken now.
    pub(crate) fn check(
        &self,
        mut claims: Members,
        now: Timestamp,
    ) -> Result<GoodToken, TokenRefused> {
        self.check_issuer(&claims)?;
        self.check_audience(&claims)?;
        let times = Times::of(&claims)?;
        self.check_times(&times, now.as_micros())?;
        let at = |moment: i64| now.plus_micros(moment.saturating_sub(now.as_micros()));
        Ok(GoodToken {
            user_id: self.user(&mut claims)?,
            from: at(self.good_from(&times)),
            until: at(times.expires.saturating_add(LEEWAY)),
        })
    }

    fn check_issuer(&self, claims: &Members) -> Result<(), TokenRefused> {
        let Some(expected) = &self.issuer else {
            return Ok(());
        };
        match claims.get("iss") {
            Some(Value::String(issuer)) if issuer == expected => Ok(()),
            _ => Err(TokenRefused::Invalid("the iss of the token is another")),
        }
    }

    fn check_audience(&self, claims: &Members) -> Result<(), TokenRefused> {
        let is_ours = |audience: &Value| match audience {
            Value::String(audience) => self.audience.contains(audience),
            _ => false,
        };
        let named = match claims.get("aud") {
            _ if self.audience.is_empty() => true,
            Some(Value::Array(audiences)) => audiences.iter().any(is_ours),
            audience => audience.is_some_and(is_ours),
        };
        if named {
            Ok(())
        } else {
            Err(TokenRefused::Invalid("the aud of the token is another"))
        }
    }

    fn check_times(&self, times: &Times, now: i64) -> Result<(), TokenRefused> {
        let is_ahead =
            |moment: Option<i64>| moment.is_some_and(|moment| moment.saturating_sub(LEEWAY) > now);
        let refused = if times.expires.saturating_add(LEEWAY) <= now {
            "the token has expired"
        } else if is_ahead(times.not_before) {
            "the token is not good yet"
        } else if is_ahead(times.issued) {
            "the token was issued in the future"
        } else if self.lives_too_long(times, now) {
            "the token is good for too long"
        } else {
            return Ok(());
        };
        Err(TokenRefused::Invalid(refused))
    }

    fn lives_too_long(&self, times: &Times, now: i64) -> bool {
        let began = times.issued.unwrap_or(now.saturating_add(LEEWAY));
        self.max_lifetime
            .is_some_and(|longest| times.expires.saturating_sub(began) > micros(longest))
    }

    /// When the checks of the times begin to pass, for a clock that is set back while a token is kept.
    fn good_from(&self, times: &Times) -> i64 {
        let by_lifetime = match (times.issued, self.max_lifetime) {
            (None, Some(longest)) => Some(times.expires.saturating_sub(micros(longest))),
            _ => None,
        };
        [times.not_before, times.issued, by_lifetime]
            .into_iter()
            .flatten()
            .max()
            .map_or(i64::MIN, |moment| moment.saturating_sub(LEEWAY))
    }

    /// The user as named: not trimmed, folded, normalized or made of a number, or two users could become one.
    fn user(&self, claims: &mut Members) -> Result<String, TokenRefused> {
        let Some(Value::String(name)) = claims.remove(&self.user_claim) else {
            return Err(TokenRefused::Invalid(
                "the claim of the token that names the user is not a text",
            ));
        };
        match VisitorIdentity::registered(name) {
            Ok(VisitorIdentity::Registered(user_id)) => Ok(user_id),
            _ => Err(TokenRefused::Invalid(
                "the user of the token is not 1 to 255 characters without control characters",
            )),
        }
    }
}

impl Times {
    fn of(claims: &Members) -> Result<Self, TokenRefused> {
        let refused = "the exp of the token is not a number of seconds since 1970";
        Ok(Self {
            expires: moment(claims.get("exp"), refused)?
                .ok_or(TokenRefused::Invalid("the token has no exp"))?,
            not_before: moment(
                claims.get("nbf"),
                "the nbf of the token is not a number of seconds since 1970",
            )?,
            issued: moment(
                claims.get("iat"),
                "the iat of the token is not a number of seconds since 1970",
            )?,
        })
    }
}

/// A time in microseconds since 1970, the last one that there is for what lies behind it.
fn moment(claim: Option<&Value>, refused: &'static str) -> Result<Option<i64>, TokenRefused> {
    let Some(value) = claim else {
        return Ok(None);
    };
    let seconds = match (value.as_u64(), value.as_f64()) {
        (Some(whole), _) => Some(Duration::from_secs(whole)),
        (None, Some(fractional)) => Duration::try_from_secs_f64(fractional).ok(),
        (None, None) => None,
    };
    match seconds {
        Some(seconds) => Ok(Some(micros(seconds))),
        None => Err(TokenRefused::Invalid(refused)),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
