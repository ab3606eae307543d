use std::collections::HashSet;

use super::*;

#[test]
fn an_identity_is_1_to_255_characters_without_controls() {
    let longest = "ä".repeat(255);
    for good in ["a", " ", "user@example.org", &longest] {
        assert!(VisitorIdentity::registered(good).is_ok(), "{good}");
    }
    let too_long = "a".repeat(256);
    for bad in ["", "a\0", "a\r\n", "\u{7f}", "\u{85}", &too_long] {
        assert_eq!(
            VisitorIdentity::anonymous(bad),
            Err(InvalidIdentity),
            "{bad:?}"
        );
    }
}

#[test]
fn anonymous_and_registered_visitors_of_one_name_are_two() -> Result<(), InvalidIdentity> {
    let anonymous = VisitorId::from(&VisitorIdentity::anonymous("42")?);
    let registered = VisitorId::from(&VisitorIdentity::registered("42")?);
    assert_ne!(anonymous, registered);
    assert_eq!(anonymous.as_uuid().get_version_num(), 8);
    // Stored data depend on this value: it may never change.
    assert_eq!(
        anonymous.as_uuid().to_string(),
        "4b962746-0b77-8433-9e1d-45c15c274652"
    );
    Ok(())
}

#[test]
fn debug_shows_no_identity() -> Result<(), InvalidIdentity> {
    let shown = format!("{:?}", VisitorIdentity::anonymous("marker")?);
    assert!(!shown.contains("marker"), "{shown}");
    Ok(())
}

#[test]
fn a_uuid_is_one_id_in_any_case() -> Result<(), InvalidId> {
    let id = MessageId::parse("6518856D-63AE-5696-B190-8593EF95598B")?;
    assert_eq!(id.to_string(), "6518856d-63ae-5696-b190-8593ef95598b");
    assert_eq!(id.opaque(), None);
    assert_eq!(id, MessageId::from_uuid(id.key().as_uuid()));
    let nil = ConversationId::parse("00000000-0000-0000-0000-000000000000")?;
    assert_eq!(nil.key(), ConversationKey::from_uuid(Uuid::nil()));
    Ok(())
}

#[test]
fn any_other_text_is_an_id_as_it_is() -> Result<(), InvalidId> {
    let longest = "ä".repeat(128);
    let texts = [
        "5",
        " ",
        "chatcmpl-9x",
        "CHATCMPL-9x",
        "6518856d63ae5696b1908593ef95598b",
        "{6518856d-63ae-5696-b190-8593ef95598b}",
        "6518856d-63ae-5696-b190-8593ef95598",
        " 6518856d-63ae-5696-b190-8593ef95598b",
        "6518856d-63ae-5696-b190-8593ef95598g",
        "urn:uuid:6518856d-63ae-5696-b190-8593ef95598b",
        "😀",
        "e\u{301}",
        "é",
        &longest,
    ];
    let mut keys = HashSet::new();
    for text in texts {
        let id = MessageId::parse(text)?;
        assert_eq!((id.to_string(), id.opaque()), (text.to_owned(), Some(text)));
        assert_eq!(id.key().as_uuid().get_version_num(), 8);
        keys.insert(id.key());
    }
    assert_eq!(keys.len(), texts.len());
    // Stored data depend on this value: it may never change.
    assert_eq!(
        MessageId::parse("chatcmpl-9x")?.key().as_uuid().to_string(),
        "a6909773-6ce0-85f1-8204-0ff4bc08a322"
    );
    Ok(())
}

#[test]
fn an_id_is_1_to_128_characters_without_controls() {
    let too_long = "ä".repeat(129);
    for bad in ["", "a\0", "a\n", "\u{7f}", "\u{85}", &too_long] {
        assert_eq!(ConversationId::parse(bad), Err(InvalidId), "{bad:?}");
    }
}

#[test]
fn uuids_come_before_other_ids() -> Result<(), InvalidId> {
    let texts = [
        "00000000-0000-0000-0000-000000000001",
        "ffffffff-0000-0000-0000-000000000000",
        " ",
        "0",
        "Z",
        "a",
        "ab",
        "ä",
        "😀",
    ];
    let ids: Vec<_> = texts
        .map(ConversationId::parse)
        .into_iter()
        .collect::<Result<_, _>>()?;
    assert!(ids.is_sorted(), "{ids:?}");
    Ok(())
}
