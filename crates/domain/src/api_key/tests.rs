use super::*;

const SECRET: &str = "0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcde";

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).unwrap()
}

fn key() -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_bits(0xab),
        name: ApiKeyName::new("nightly export").unwrap(),
        secret_hash: SecretHash::of(SECRET),
        scopes: Scopes::from_iter([Scope::VisitorsExport]),
        created_at: at(10),
        expires_at: None,
        revoked_at: None,
    }
}

#[test]
fn an_id_is_sixteen_lower_case_digits() {
    for (bits, text) in [
        (0, "0000000000000000"),
        (0xab, "00000000000000ab"),
        (u64::MAX, "ffffffffffffffff"),
    ] {
        let id = ApiKeyId::from_bits(bits);
        assert_eq!(id.to_string(), text);
        assert_eq!(ApiKeyId::parse(text), Ok(id));
        assert_eq!(id.as_bits(), bits);
    }
    for text in [
        "",
        "ab",
        "00000000000000AB",
        "0x000000000000ab",
        "+0000000000000ab",
        " 000000000000ab ",
        "000000000000000ab",
        "0000000000000é",
    ] {
        assert_eq!(ApiKeyId::parse(text), Err(InvalidApiKeyId), "{text}");
    }
}

#[test]
fn a_name_is_at_most_a_hundred_characters() {
    let longest = "\u{1f600}".repeat(100);
    for name in ["", " ", "it's \"ours\"", &longest] {
        assert_eq!(ApiKeyName::new(name).unwrap().as_str(), name);
    }
    for name in ["\u{1f600}".repeat(101).as_str(), "a\nb", "\0", "a\u{85}"] {
        assert_eq!(ApiKeyName::new(name), Err(InvalidApiKeyName), "{name:?}");
    }
}

#[test]
fn scopes_are_told_in_order_and_each_once() {
    assert!(Scope::ALL.is_sorted());
    assert!(Scope::ALL.is_sorted_by_key(|scope| scope.as_str()));
    for scope in Scope::ALL {
        assert_eq!(scope.to_string().parse(), Ok(scope));
    }
    let scopes = Scopes::from_iter([Scope::VisitorsMerge, Scope::SyncAny, Scope::VisitorsMerge]);
    assert_eq!(scopes.to_string(), "sync:any,visitors:merge");
    assert_eq!(scopes.to_string().parse(), Ok(scopes));
    assert_eq!("".parse(), Ok(Scopes::default()));
    for text in ["sync", "Admin", "admin ", "admin,", ",", "admin,,sync:any"] {
        assert_eq!(text.parse::<Scopes>(), Err(UnknownScope), "{text}");
    }
}

#[test]
fn no_scope_implies_another() {
    for scope in Scope::ALL {
        let alone = Scopes::from_iter([scope]);
        for other in Scope::ALL {
            assert_eq!(alone.contains(other), scope == other);
        }
    }
}

#[test]
fn a_token_is_taken_apart_and_put_together() {
    let text = format!("csk_00000000000000ab_{SECRET}");
    let token = ApiKeyToken::parse(&text).unwrap();
    assert_eq!(token.id(), ApiKeyId::from_bits(0xab));
    assert_eq!(token.secret_hash(), SecretHash::of(SECRET));
    assert_eq!(token.to_secret_text(), text);
}

#[test]
fn what_has_another_form_is_no_token() {
    let id = "00000000000000ab";
    for text in [
        String::new(),
        SECRET.to_owned(),
        format!("csk_{id}"),
        format!("csk_{id}_"),
        format!("csk_{id}{SECRET}"),
        format!("csk_{id}_{SECRET}="),
        format!("csk_{id}_{SECRET} "),
        format!(" csk_{id}_{SECRET}"),
        format!("CSK_{id}_{SECRET}"),
        format!("csk_{}_{SECRET}", id.to_uppercase()),
        format!("csk__{SECRET}"),
        format!("csk_{id}_{}", &SECRET[1..]),
        format!("csk_{id}_{}", SECRET.replace('-', "+")),
        format!("csk_{id}_{}", SECRET.replace('0', "\0")),
        format!("csk_{id}_{}", SECRET.replace("01", "\u{e9}")),
    ] {
        let refused = ApiKeyToken::parse(&text).map(|token| token.id());
        assert_eq!(refused, Err(InvalidApiKeyToken), "{text:?}");
    }
}

#[test]
fn every_bit_of_a_hash_counts() {
    // FIPS 180-4's example "abc".
    let hash = SecretHash::of("abc");
    assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
    assert_eq!(hash, SecretHash::from_bytes(*hash.as_bytes()));
    for bit in 0..256 {
        let mut bytes = *hash.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_ne!(hash, SecretHash::from_bytes(bytes));
    }
}

#[test]
fn a_key_is_active_until_it_expires_or_is_revoked() {
    assert!(key().is_active(at(10)));
    assert!(key().is_active(at(i64::from(u32::MAX))));
    let expiring = ApiKey {
        expires_at: Some(at(20)),
        ..key()
    };
    assert!(expiring.is_active(at(19)));
    assert_eq!(expiring.state(at(20)), ApiKeyState::Expired);
    // Whoever revoked it may have had a clock that runs ahead.
    let revoked = ApiKey {
        revoked_at: Some(at(30)),
        ..expiring
    };
    assert_eq!(revoked.state(at(10)), ApiKeyState::Revoked);
    assert!(!revoked.is_active(at(10)));
}

#[test]
fn a_key_and_its_token_do_not_show_what_is_secret() {
    let token = ApiKeyToken::new(ApiKeyId::from_bits(0xab), SECRET).unwrap();
    assert_eq!(format!("{token:?}"), "ApiKeyToken(00000000000000ab, ..)");
    let shown = format!("{:?}", key());
    assert!(shown.contains("SecretHash(..)"), "{shown}");
    let hash = key().secret_hash;
    let first = hash.as_bytes()[0];
    assert!(!shown.contains(&format!("[{first}, ")), "{shown}");
}
