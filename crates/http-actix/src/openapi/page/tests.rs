use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::openapi::document;

#[test]
fn the_policy_lets_in_the_style() {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let expected = format!("style-src 'sha256-{hash}'");
    assert!(CONTENT_SECURITY_POLICY.contains(&expected), "{expected}");
}

#[test]
fn every_link_of_the_page_leads_somewhere() {
    let page = page(&document("1.2.3"));
    for link in page.split("href=\"#").skip(1) {
        let id = link.split('"').next().unwrap();
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[test]
fn every_operation_is_on_the_page() {
    let document = document("1.2.3");
    let page = page(&document);
    assert!(!described(&document).is_empty());
    for one in described(&document) {
        assert!(
            page.contains(&format!("<section id=\"{}\">", one.id())),
            "{}",
            one.id()
        );
    }
}

#[test]
fn texts_are_shown_and_not_taken_for_html() {
    assert_eq!(
        escaped("<a href=\"'&'\">"),
        "&lt;a href=&quot;&#39;&amp;&#39;&quot;&gt;"
    );
    assert_eq!(
        marked_up("a `<b>` **c**"),
        "<p>a <code>&lt;b&gt;</code> <b>c</b></p>\n"
    );
    assert_eq!(
        marked_up("- a\n- `b`\n\nc"),
        "<ul><li>a</li><li><code>b</code></li></ul>\n<p>c</p>\n"
    );
    assert_eq!(marked_up(""), "");
}
