//! Settings of who may ask, from where and how often.

use convosync_http_actix::CorsOrigins;

use super::tests::{complaint, with_environment, with_file};
use crate::access::AccessMode;

const OPEN: AccessMode = AccessMode::Open { is_exposed: false };

#[test]
fn origins_are_a_list_in_a_file_and_a_text_with_commas_elsewhere() {
    let listed = ["https://app.example", "http://localhost:5173"];
    let expected = CorsOrigins::Listed(listed.map(|origin| origin.parse().unwrap()).to_vec());
    let (_, loaded) = with_file(&format!("[server]\ncors_origins = {listed:?}"));
    assert_eq!(loaded.unwrap().settings.cors(OPEN), expected);
    let text = listed.join(", ");
    let loaded = with_environment(&[("CONVOSYNC__SERVER__CORS_ORIGINS", text.as_str())]);
    assert_eq!(loaded.unwrap().settings.cors(OPEN), expected);
    let nothing = with_environment(&[("CONVOSYNC__SERVER__CORS_ORIGINS", "")]);
    assert_eq!(nothing.unwrap().settings.cors(OPEN), CorsOrigins::Loopback);
}

#[test]
fn what_is_no_origin_is_refused_by_name() {
    let rule = "must be an origin as browsers name it: scheme://host or scheme://host:port in lower case, \
                without a path, without * and without the port that the scheme has anyway";
    for bad in ["https://app.example/", "*", "null", "app.example"] {
        let (file, loaded) = with_file(&format!(
            "[server]\ncors_origins = [\"https://good.example\", {bad:?}]"
        ));
        assert_eq!(
            complaint(loaded),
            format!("server.cors_origins: {bad:?} {rule} (from {file})")
        );
    }
    assert_eq!(
        complaint(with_environment(&[(
            "CONVOSYNC__SERVER__CORS_ORIGINS",
            "https://good.example,"
        )])),
        format!(
            "server.cors_origins: \"\" {rule} \
             (from the environment variable CONVOSYNC__SERVER__CORS_ORIGINS)"
        )
    );
}

#[test]
fn a_list_of_anything_else_is_refused_by_name() {
    for bad in ["[{ a = 1 }]", "[[\"https://app.example\"]]"] {
        let (file, loaded) = with_file(&format!("[server]\ncors_origins = {bad}"));
        assert_eq!(
            complaint(loaded),
            format!(
                "server.cors_origins: must be a list of texts, or one text with commas (from {file})"
            )
        );
    }
    let (file, loaded) = with_file("[server]\ncors_origins = 5");
    assert_eq!(
        complaint(loaded),
        format!(
            "server.cors_origins: invalid type: integer `5`, expected a list of texts, or one text with \
             commas (from {file})"
        )
    );
}

#[test]
fn proxies_are_addresses_or_ranges() {
    let proxies = |text: &str| with_environment(&[("CONVOSYNC__SERVER__TRUSTED_PROXIES", text)]);
    let trusted = proxies("127.0.0.1,10.0.0.0/8, 2001:db8::/32").unwrap();
    let expected = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap());
    assert_eq!(trusted.settings.server.trusted_proxies, expected);
    assert_eq!(
        complaint(proxies("10.0.0.0/8,proxy.example")),
        "server.trusted_proxies: \"proxy.example\" must be an IP address or a range of them such as 10.0.0.0/8 \
         (from the environment variable CONVOSYNC__SERVER__TRUSTED_PROXIES)"
    );
}

#[test]
fn a_rate_may_be_0() {
    for name in [
        "ADDRESS_REQUESTS_PER_SECOND",
        "VISITOR_REQUESTS_PER_SECOND",
        "FAILED_PROOFS_PER_MINUTE",
    ] {
        let variable = format!("CONVOSYNC__LIMITS__{name}");
        assert!(with_environment(&[(variable.as_str(), "0")]).is_ok());
        assert_eq!(
            complaint(with_environment(&[(variable.as_str(), "10000001")])),
            format!(
                "limits.{}: must be 0 to 10000000, not 10000001 (from the environment variable {variable})",
                name.to_lowercase()
            )
        );
    }
}
