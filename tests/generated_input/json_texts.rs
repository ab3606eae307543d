//! JSON texts by kind, in the manner of JSONTestSuite: each part of the grammar in every form that
//! is valid, in forms that are not, and in forms on which parsers may differ.

/// What a text is by RFC 8259.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Valid JSON that has to be kept.
    Valid,
    /// No JSON.
    Invalid,
    /// Readers may take it or refuse it.
    Open,
}

/// A text, as bytes since it may be no UTF-8.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    pub(super) verdict: Verdict,
}

/// All texts, each once.
pub(super) fn all() -> Vec<Text> {
    let mut texts = Texts::default();
    texts.numbers();
    texts.strings();
    texts.structures();
    texts.white_space();
    texts.nesting();
    texts.truncations();
    texts.encodings();
    texts.0.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    texts.0.dedup_by(|a, b| {
        assert!(a.bytes != b.bytes || a.verdict == b.verdict, "{a:?} {b:?}");
        a.bytes == b.bytes
    });
    texts.0
}

const WHOLES: &[&str] = &[
    "0",
    "-0",
    "-123",
    "1234567890123456789012345678901234567890",
];
const FRACTIONS: &[&str] = &["", ".0", ".123456789012345678901234567890"];
const EXPONENTS: &[&str] = &["", "e1", "E+02", "e-0"];

#[derive(Default)]
struct Texts(Vec<Text>);

impl Texts {
    fn add(&mut self, verdict: Verdict, text: impl AsRef<[u8]>) {
        let bytes = text.as_ref().to_vec();
        self.0.push(Text { bytes, verdict });
    }

    fn valid(&mut self, text: impl AsRef<[u8]>) {
        self.add(Verdict::Valid, text);
    }

    fn invalid(&mut self, text: impl AsRef<[u8]>) {
        self.add(Verdict::Invalid, text);
    }

    fn open(&mut self, text: impl AsRef<[u8]>) {
        self.add(Verdict::Open, text);
    }

    fn numbers(&mut self) {
        for whole in WHOLES {
            for fraction in FRACTIONS {
                for exponent in EXPONENTS {
                    let number = format!("{whole}{fraction}{exponent}");
                    self.valid(&number);
                    for (before, after) in [
                        ("+", ""),
                        ("--", ""),
                        ("- ", ""),
                        ("", "x"),
                        ("", "-"),
                        ("", " 1"),
                        ("0", ""),
                    ] {
                        self.invalid(format!("{before}{number}{after}"));
                    }
                }
                self.invalid(format!("{whole}{fraction}e"));
                self.invalid(format!("{whole}{fraction}e+"));
                self.invalid(format!("{whole}{fraction}e1.5"));
                self.invalid(format!("{whole}{fraction}."));
                self.invalid(format!("{whole}{fraction}ee1"));
            }
        }
        for number in [
            "-",
            "+",
            ".",
            ".5",
            "-.5",
            "1.",
            "-1.",
            "1.e1",
            "01",
            "-01",
            "00",
            "0x1",
            "0x",
            "1_000",
            "1,5",
            "1 000",
            "Infinity",
            "-Infinity",
            "NaN",
            "-NaN",
            "inf",
            "nan",
            "1f",
            "1n",
            "٣",
            "１",
            "1e１",
            "0b1",
            "0o7",
            "2.e3",
            "9.e+",
            "0.3e",
            "0.1.2",
            "-foo",
            "1a",
            "0e",
            "0E+",
            "++1",
        ] {
            self.invalid(number);
            self.invalid(format!("[{{\"a\":{number}}}]"));
        }
        for number in [
            "5e-324",
            "1.7976931348623157e308",
            "-0.0",
            "0.1000000000000000055",
        ] {
            self.valid(number);
        }
        for number in [
            "1e400",
            "-1e400",
            "1e-400",
            "0e99999999999999999999",
            "123e-10000000",
            "1e99999999999999999999",
        ] {
            self.open(number);
            self.open(format!("[{number}]"));
        }
    }

    fn strings(&mut self) {
        for escape in ["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"] {
            self.string(Verdict::Valid, escape);
        }
        for unit in [
            "0001", "001f", "0020", "0022", "005C", "007f", "0080", "00e9", "07ff", "0800", "2028",
            "2029", "d7ff", "e000", "fdd0", "feff", "fffd", "fffe", "FFFF", "AbCd",
        ] {
            self.string(Verdict::Valid, &format!("\\u{unit}"));
            self.string(Verdict::Valid, &format!("\\\\u{unit}"));
            for cut in [0, 3] {
                self.string(Verdict::Invalid, &format!("\\u{}", &unit[..cut]));
                self.string(
                    Verdict::Invalid,
                    &format!("\\u{}g{}", &unit[..cut], &unit[cut + 1..]),
                );
            }
        }
        for pair in [
            "\\ud83d\\ude00",
            "\\uD800\\uDC00",
            "\\uDBFF\\uDFFF",
            "\\uD83F\\uDFFE",
        ] {
            self.string(Verdict::Valid, pair);
            self.string(Verdict::Valid, &format!("{pair}{pair}"));
            self.no_text(&pair[..6]);
            self.no_text(&pair[6..]);
            self.no_text(&format!("{}{}", &pair[6..], &pair[..6]));
            self.no_text(&format!("{}{pair}", &pair[..6]));
            self.no_text(&format!("{}\\n", &pair[..6]));
            self.string(Verdict::Invalid, &format!("{}\\", &pair[..6]));
            self.string(Verdict::Invalid, &format!("{}\\u", &pair[..6]));
            self.string(Verdict::Invalid, &format!("{}\\u1x", &pair[..6]));
            self.string(Verdict::Invalid, &format!("{}\\x", &pair[..6]));
        }
        for other in [
            "\\x00", "\\a", "\\'", "\\0", "\\U0041", "\\é", "\\😀", "\\ ", "\\\n", "\\{", "\\u 041",
        ] {
            self.string(Verdict::Invalid, other);
        }
        for character in [
            "\u{7f}",
            "é",
            "\u{2028}",
            "\u{2029}",
            "\u{feff}",
            "\u{fffe}",
            "\u{ffff}",
            "\u{10ffff}",
            "😀",
            "👩‍👩‍👧‍👦",
            "e\u{301}",
            "\u{202e}x\u{202c}",
            "\u{e000}",
            "[0m",
            "'",
            "/",
            "a/*b*/c//d#e",
            "€𝄞",
        ] {
            self.string(Verdict::Valid, character);
        }
        for control in (0..0x20_u8).map(char::from) {
            self.string(Verdict::Invalid, &control.to_string());
        }
        self.no_text("\\u0000");
        self.no_text("a\\u0000b");
        for quoted in [
            "'a'",
            "a",
            "“a”",
            "`a`",
            "\\u0022a\\u0022",
            "\"a",
            "\"",
            "\"a\"\"",
            "\"\\\"",
            "\"a\"b",
            "\\n",
            "\"a'",
        ] {
            self.invalid(quoted);
            self.invalid(format!("[{quoted}]"));
        }
    }

    /// A string with this in it: alone, and between other characters as a key and as an item.
    fn string(&mut self, verdict: Verdict, inner: &str) {
        self.add(verdict, format!("\"{inner}\""));
        self.add(verdict, format!("[{{\"a{inner}z \":\"{inner} \"}}]"));
    }

    /// A string with this in it that is to be kept as a value and may be refused as a key.
    fn no_text(&mut self, inner: &str) {
        self.valid(format!("\"{inner}\""));
        self.valid(format!("[{{\"a\":\"{inner} \"}}]"));
        self.open(format!("[{{\"a{inner}z \":1}}]"));
    }

    fn structures(&mut self) {
        for literal in ["null", "true", "false"] {
            self.valid(literal);
            self.valid(format!("[{literal}]"));
            self.valid(format!("{{\"a\":{literal}}}"));
            for cut in 1..literal.len() {
                self.invalid(&literal[..cut]);
                self.invalid(format!("[{}]", &literal[..cut]));
            }
            self.invalid(literal.to_uppercase());
            self.invalid(format!("{literal}x"));
            self.invalid(format!("{literal}{literal}"));
        }
        for text in [
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "{\"\":0}",
            "{\"a\":[]}",
            "{\"a\":{}}",
            "[1,2,3]",
            "[null,true,false,0,\"\",[],{}]",
            "{\"a\":1,\"b\":2}",
            "{\"a\":{\"a\":{\"a\":1}}}",
            "[[[[1]]],[]]",
            "{\"a\":[{\"b\":[{}]}]}",
            "[\"\",\"\"]",
            "{\"\\u0061b\":1}",
            "{\"__proto__\":1,\"constructor\":{}}",
            "[1,1,1]",
            "{\"a\":1,\"A\":2}",
        ] {
            self.valid(text);
        }
        for text in [
            "[1,]",
            "[,1]",
            "[,]",
            "[1,,2]",
            "[1 2]",
            "[1;2]",
            "[1:2]",
            "[",
            "]",
            "[[]",
            "[]]",
            "[1}",
            "{]",
            "[)",
            "{",
            "}",
            "{}}",
            "{{}}",
            "{\"a\"}",
            "{\"a\":}",
            "{:1}",
            "{\"a\":1,}",
            "{,\"a\":1}",
            "{\"a\":1,,\"b\":2}",
            "{\"a\":1 \"b\":2}",
            "{\"a\",1}",
            "{\"a\"::1}",
            "{\"a\":1:2}",
            "{a:1}",
            "{'a':1}",
            "{1:1}",
            "{null:1}",
            "{[]:1}",
            "{{}:1}",
            "{\"a\" 1}",
            "{\"a\"=1}",
            "{\"a\"=>1}",
            "[1]x",
            "{}x",
            "[][]",
            "{}{}",
            "[]{}",
            "[1,[2}]",
            "{\"a\":[}]",
            "[*]",
            "*",
            "<.>",
            "<null>",
            "[1]//",
            "[1]#",
            "/**/[]",
            "[/*x*/1]",
            "[1,#\n2]",
            "undefined",
            "[undefined]",
            "(1)",
            "[1...2]",
            "@",
            "\\",
            "[\\]",
            "[\"a\",\n4\n,1,",
            "[\"a\"",
            "{\"a\":1",
            ",",
            ":",
            "[True]",
            "[NULL]",
            "{\"a\":\"b\"}/**/",
            "{\"a\":\"b\"}#{}",
            "{🇨🇭}",
            "é",
            "[é]",
            "\u{2060}",
            "[\u{2060}]",
        ] {
            self.invalid(text);
        }
        // Which of the two counts is left to the reader.
        self.open("{\"a\":1,\"a\":1}");
        self.open("{\"a\":1,\"\\u0061\":2}");
        self.open("[{\"a\":{\"b\":1,\"b\":2}}]");
    }

    fn white_space(&mut self) {
        for space in [" ", "\t", "\n", "\r", "\r\n", "  \t\n\r  "] {
            for tokens in [
                &["[", "]"][..],
                &["{", "\"a\"", ":", "1", ",", "\"b\"", ":", "null", "}"],
                &["[", "1", ",", "\"\"", "]"],
            ] {
                self.valid(format!("{space}{}{space}", tokens.join(space)));
            }
            self.valid(format!("{space}1{space}"));
            self.valid(format!("{space}\" \""));
            self.invalid(format!("1{space}2"));
            self.invalid(format!("-{space}1"));
            self.invalid(format!("tr{space}ue"));
        }
        for space in [
            "\u{c}", "\u{b}", "\u{a0}", "\u{2028}", "\u{3000}", "\u{feff}", "\u{85}", "\u{0}",
            "\u{1}", "\u{1a}",
        ] {
            self.invalid(format!("[{space}]"));
            self.invalid(format!("[1{space},2]"));
            self.invalid(format!("1{space}"));
        }
        self.invalid("");
        self.invalid(" ");
        self.invalid("\n\t");
    }

    fn nesting(&mut self) {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            for depth in [1, 2, 10, 30] {
                let nested = |closed| format!("{}0{}", open.repeat(depth), close.repeat(closed));
                self.valid(nested(depth));
                self.invalid(nested(depth - 1));
                self.invalid(nested(depth + 1));
            }
            for depth in [65, 127, 128, 129, 500, 10_000] {
                self.open(format!("{}0{}", open.repeat(depth), close.repeat(depth)));
                self.invalid(open.repeat(depth));
            }
        }
    }

    /// Every beginning of a text that holds all there is.
    fn truncations(&mut self) {
        let text =
            r#"{"a":[1.5e3,-0,"\u00e9\n\ud83d\ude00",{"b":null}],"c":{"d":[true,false]},"":"é😀"}"#;
        self.valid(text);
        for cut in 1..text.len() {
            self.invalid(&text.as_bytes()[..cut]);
        }
    }

    fn encodings(&mut self) {
        for bytes in [
            b"\x80".as_slice(),
            b"\xbf",
            b"\xc0\x80",
            b"\xc0\xaf",
            b"\xc1\xbf",
            b"\xc3",
            b"\xe0\x80\x80",
            b"\xe0\xff",
            b"\xe2\x82",
            b"\xed\xa0\x80",
            b"\xed\xbf\xbf",
            b"\xf0\x80\x80\x80",
            b"\xf0\x9f\x98",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xfe",
            b"\xff",
            b"\xe9",
        ] {
            self.invalid([b"\"", bytes, b"\""].concat());
            self.invalid([b"[\"a", bytes, b"b\"]"].concat());
            self.invalid([b"{\"", bytes, b"\":1}"].concat());
            self.invalid([b"[", bytes, b"]"].concat());
            self.invalid([b"\"\\", bytes, b"\""].concat());
            self.invalid([b"\"\\u00", bytes, b"\""].concat());
        }
        self.invalid(b"\x00\"\x00a\x00\"");
        self.invalid(b"\"\x00a\x00\"\x00");
    }
}
