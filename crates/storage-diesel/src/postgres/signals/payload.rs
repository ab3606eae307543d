//! What a notification says: hashed ids and counters, nothing else. Of what cannot be read nothing is made, as anybody
//! with the database may notify.

use std::fmt::Write as _;

use convosync_domain::identity::VisitorId;
use convosync_domain::ports::{ChangeNotice, Standing};
use uuid::Uuid;

/// No payload is longer, in bytes: the server takes less than 8,000.
const LONGEST: usize = 7_900;
const GONE: &str = "gone";

/// The notices, as many in a payload as it takes.
pub(super) fn payloads(notices: impl IntoIterator<Item = ChangeNotice>) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for ChangeNotice { visitor, standing } in notices {
        let visitor = visitor.as_uuid().simple();
        let notice = match standing {
            Standing::At(change_counter) => format!("{visitor}:{change_counter}"),
            Standing::Gone => format!("{visitor}:{GONE}"),
        };
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + notice.len() <= LONGEST => {
                // Writing to a text cannot fail.
                let _ = write!(last, " {notice}");
            }
            _ => payloads.push(notice),
        }
    }
    payloads
}

/// The notices in a payload.
pub(super) fn notices(payload: &str) -> impl Iterator<Item = ChangeNotice> {
    payload.split(' ').filter_map(notice)
}

fn notice(text: &str) -> Option<ChangeNotice> {
    let (visitor, standing) = text.split_once(':')?;
    Some(ChangeNotice {
        visitor: VisitorId::from_uuid(Uuid::try_parse(visitor).ok()?),
        standing: match standing {
            GONE => Standing::Gone,
            change_counter => Standing::At(change_counter.parse().ok()?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u128, standing: Standing) -> ChangeNotice {
        ChangeNotice {
            visitor: VisitorId::from_uuid(Uuid::from_u128(number)),
            standing,
        }
    }

    #[test]
    fn notices_come_back_as_they_were() {
        let sent: Vec<_> = (0..1_000)
            .map(|number| match number % 3 {
                0 => at(number, Standing::Gone),
                1 => at(u128::MAX - number, Standing::At(u64::MAX)),
                _ => at(number, Standing::At(0)),
            })
            .collect();
        let payloads = payloads(sent.clone());
        assert!(payloads.len() < 10);
        assert!(payloads.iter().all(|payload| payload.len() <= LONGEST));
        let come: Vec<_> = payloads
            .iter()
            .flat_map(|payload| notices(payload))
            .collect();
        assert_eq!(come, sent);
        assert_eq!(super::payloads([]), [""; 0]);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        let good = "00000000000000000000000000000001:7";
        for payload in [
            format!("x {good}"),
            format!("{good} 1:2 :"),
            format!("  {good}  00000000000000000000000000000001:-1"),
            format!("00000000000000000000000000000001:18446744073709551616 {good} \u{0}:gone"),
        ] {
            let come: Vec<_> = notices(&payload).collect();
            assert_eq!(come, [at(1, Standing::At(7))], "{payload}");
        }
        assert_eq!(notices("").count(), 0);
    }
}
