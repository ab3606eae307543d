//! Values that are lists.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserializer, de};

/// Reads a list of texts that mean something: a list in a file, a text with commas anywhere.
pub(super) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(Items(PhantomData))
}

const A_LIST: &str = "a list of texts, or one text with commas";

struct Items<T>(PhantomData<T>);

impl<'de, T: FromStr<Err: fmt::Display>> de::Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_LIST)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        match text.trim() {
            "" => Ok(Vec::new()),
            text => text.split(',').map(|item| self.item(item.trim())).collect(),
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut given: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        // An error of an item would not name the setting, but a place in it.
        let no_text = |_: A::Error| de::Error::custom(format!("must be {A_LIST}"));
        while let Some(item) = given.next_element::<String>().map_err(no_text)? {
            items.push(self.item(&item)?);
        }
        Ok(items)
    }
}

impl<T: FromStr<Err: fmt::Display>> Items<T> {
    fn item<E: de::Error>(&self, text: &str) -> Result<T, E> {
        text.parse()
            .map_err(|problem| E::custom(format!("{text:?} {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer as _;

    use super::*;

    #[test]
    fn a_list_is_a_list_or_a_text_with_commas() {
        let texts = [
            ("", &[][..]),
            (" ", &[]),
            ("1", &[1]),
            ("1,2", &[1, 2]),
            (" 1 , 2 ", &[1, 2]),
        ];
        for (text, expected) in texts {
            let read: de::value::StrDeserializer<'_, de::value::Error> = text.into_deserializer();
            assert_eq!(list::<u8, _>(read).unwrap(), expected, "{text:?}");
        }
        let items = vec!["1".to_owned(), "2".to_owned()];
        let read: de::value::SeqDeserializer<_, de::value::Error> = items.into_deserializer();
        assert_eq!(list::<u8, _>(read).unwrap(), [1, 2]);
        for bad in ["1,", ",1", "1,,2", "1 2", "1;2"] {
            let read: de::value::StrDeserializer<'_, de::value::Error> = bad.into_deserializer();
            let complaint = list::<u8, _>(read).unwrap_err().to_string();
            assert!(complaint.starts_with('"'), "{bad}: {complaint}");
        }
    }
}
