//! The number by which PostgreSQL, and so Citus, spreads ids.

/// What PostgreSQL's `uuid_hash` makes of a UUID: lookup3 of Bob Jenkins (public domain,
/// <https://burtleburtle.net/bob/c/lookup3.c>), begun as PostgreSQL begins it, over the 16 bytes as four little-endian words.
/// (A server on a big-endian machine has another one.)
pub(super) fn uuid_hash(id: [u8; 16]) -> i32 {
    const BEGIN: u32 = 0x9e37_79b9 + 16 + 3_923_095;
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(id.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    let [first, second, third, last] = words;
    let [a, b, c] = mix([first, second, third].map(|word| BEGIN.wrapping_add(word)));
    finish([a.wrapping_add(last), b, c]).cast_signed()
}

fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    for rotations in [[4, 6, 8], [16, 19, 4]] {
        a = a.wrapping_sub(c) ^ c.rotate_left(rotations[0]);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(rotations[1]);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(rotations[2]);
        b = b.wrapping_add(a);
    }
    [a, b, c]
}

fn finish([mut a, mut b, mut c]: [u32; 3]) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use convosync_test_postgres::TestServer;
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::Integer;
    use uuid::Uuid;

    use super::*;
    use crate::migrations::random_uuid;

    #[test]
    fn an_id_has_the_hash_that_postgresql_gives_it() {
        let database = TestServer::shared().new_database();
        let mut connection = database.connect();
        let random = (0..100).map(|_| random_uuid().unwrap());
        for id in [Uuid::nil(), Uuid::max()].into_iter().chain(random) {
            let theirs = sql::<Integer>(&format!("uuid_hash('{id}')"));
            let theirs: i32 = diesel::select(theirs).get_result(&mut connection).unwrap();
            assert_eq!(uuid_hash(id.into_bytes()), theirs, "{id}");
        }
    }
}
