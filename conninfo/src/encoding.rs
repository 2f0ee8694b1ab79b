//! The percent-encoding of URLs.

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::percent_decode_str;
use percent_encoding::utf8_percent_encode;

/// The characters that are encoded everywhere in a URL.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The characters that are encoded in a parameter's value and in a path: a `/` is not.
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// Encodes a user, a host or a database.
pub(crate) fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// Encodes a parameter's value or a path.
pub(crate) fn path(text: &str) -> String {
    utf8_percent_encode(text, PATH).to_string()
}

/// Why a text cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// A `%` is not followed by two hexadecimal digits.
    Escape,
    /// The decoded bytes are not UTF-8.
    NotUtf8,
}

/// Decodes as libpq does: every `%` must begin an escape. A `+` stays a `+`.
pub(crate) fn decode_strictly(encoded: &str) -> Result<String, Undecodable> {
    let is_escape = |after: &str| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !encoded.split('%').skip(1).all(is_escape) {
        return Err(Undecodable::Escape);
    }
    decode(encoded)
}

/// Decodes; a `%` that begins no escape stays as it is.
pub(crate) fn decode(encoded: &str) -> Result<String, Undecodable> {
    match percent_decode_str(encoded).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(Undecodable::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_text_decodes_to_itself() {
        for text in ["", "plain", "a b", "100%", "%41", "ä/ö?", "a+b", "\u{2003}x\u{2003}"] {
            assert_eq!(decode_strictly(&component(text)).as_deref(), Ok(text));
            assert_eq!(decode_strictly(&path(text)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn strict_decoding_requires_two_digits_after_every_percent_sign() {
        for broken in ["%", "%4", "%zz", "%%41", "%4z", "a%"] {
            assert_eq!(decode_strictly(broken), Err(Undecodable::Escape), "{broken}");
        }
        assert_eq!(decode_strictly("%ff"), Err(Undecodable::NotUtf8));
        assert_eq!(decode_strictly("a%2fb+c").as_deref(), Ok("a/b+c"));
        assert_eq!(decode("100%.db").as_deref(), Ok("100%.db"));
    }
}
