//! Tokens that are signed by keys of a set, in a file or at an address.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _};
use serde_json::{Value, json};

use super::{AUDIENCE, Ask, Protected, SYNC, claims, user};

/// The keys are looked at again within seconds.
const SOON: Duration = Duration::from_secs(20);

/// A key of an issuer.
struct Key {
    pair: KeyPair,
    id: &'static str,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Self { pair, id }
    }

    /// The public half, as a set has it.
    fn public(&self) -> Value {
        let point = self.pair.der_bytes();
        let (x, y) = point[1..].split_at(32);
        let [x, y] = [x, y].map(|half| URL_SAFE_NO_PAD.encode(half));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig" })
    }

    /// A request for ada with a token of hers that this key has signed.
    fn ask(&self) -> Ask {
        let header = Header {
            kid: Some(self.id.to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        let key = EncodingKey::from_ec_der(&self.pair.serialize_der());
        let token = jsonwebtoken::encode(&header, &claims("ada"), &key).unwrap();
        Ask::get(format!("{SYNC}{}", user("ada"))).by(&token)
    }
}

fn set_of(keys: &[&Key]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
    json!({ "keys": keys }).to_string()
}

fn write(path: &Path, keys: &[&Key]) {
    fs::write(path, set_of(keys)).unwrap();
}

/// Waits until a token of this key gets this status: 404 is that of a good one, as ada has posted nothing.
fn until(server: &Protected, key: &Key, status: u16) {
    let started = Instant::now();
    while server.send(&key.ask()).status != status {
        assert!(started.elapsed() < SOON, "{} never got {status}", key.id);
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_key_set_in_a_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let [old, new] = ["old", "new"].map(Key::new);
    write(&file, &[&old]);
    let server = Protected::start_with(&[
        ("CONVOSYNC__AUTH__JWT__JWKS_FILE", file.to_str().unwrap()),
        ("CONVOSYNC__AUTH__JWT__AUDIENCE", AUDIENCE),
    ]);
    assert_eq!(server.send(&old.ask()).status, 404);
    assert_eq!(server.send(&new.ask()).status, 401);
    write(&file, &[&new]);
    server.0.signal("HUP");
    until(&server, &new, 404);
    until(&server, &old, 401);
    fs::write(&file, "broken").unwrap();
    server.0.signal("HUP");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(server.send(&new.ask()).status, 404, "the keys before stay");
}

#[test]
fn a_key_set_at_an_address_is_fetched_and_kept_while_it_is_away() {
    let [old, new] = ["old", "new"].map(Key::new);
    let issuer = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", issuer.local_addr().unwrap());
    let answer = Arc::new(Mutex::new(Some(set_of(&[&old]))));
    let answered = Arc::clone(&answer);
    thread::spawn(move || {
        for stream in issuer.incoming() {
            let mut stream = stream.unwrap();
            // Whatever it asks for is there.
            let _ = stream.read(&mut [0; 4_096]);
            let answer = answered.lock().unwrap().clone();
            let (status, body) = match &answer {
                Some(body) => ("200 OK", body.as_str()),
                None => ("503 Service Unavailable", ""),
            };
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let server = Protected::start_with(&[
        ("CONVOSYNC__AUTH__JWT__JWKS_URL", url.as_str()),
        ("CONVOSYNC__AUTH__JWT__AUDIENCE", AUDIENCE),
    ]);
    until(&server, &old, 404);
    *answer.lock().unwrap() = None;
    server.0.signal("HUP");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(server.send(&old.ask()).status, 404, "the keys before stay");
    *answer.lock().unwrap() = Some(set_of(&[&new]));
    server.0.signal("HUP");
    until(&server, &new, 404);
    until(&server, &old, 401);
}

#[test]
fn without_keys_nobody_is_judged() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", closed.local_addr().unwrap());
    drop(closed);
    let server = Protected::start_with(&[("CONVOSYNC__AUTH__JWT__JWKS_URL", url.as_str())]);
    let answer = server.send(&Key::new("any").ask());
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(
        answer.body.contains(r#""code":"keys_unavailable""#),
        "{answer:?}"
    );
    assert_eq!(server.send(&Ask::get("/readyz")).status, 200);
}
