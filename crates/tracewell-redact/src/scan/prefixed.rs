//! Keys and tokens that their makers gave a prefix, so that they can be found.

use super::{Finding, Place, is_token};
use crate::Rule;

/// A prefix that ends in an underscore or a dash, and what follows it.
struct Prefix {
    text: &'static [u8],
    rest_min: usize,
    rule: Rule,
}

const fn prefix(text: &'static [u8], rest_min: usize, rule: Rule) -> Prefix {
    Prefix { text, rest_min, rule }
}

/// How far a key is looked at for a digit.
const HEAD_BYTES: usize = 128;

const UNDERSCORED: [Prefix; 20] = [
    prefix(b"ghp_", 20, Rule::Github),
    prefix(b"gho_", 20, Rule::Github),
    prefix(b"ghu_", 20, Rule::Github),
    prefix(b"ghs_", 20, Rule::Github),
    prefix(b"ghr_", 20, Rule::Github),
    prefix(b"github_pat_", 20, Rule::Github),
    prefix(b"sk_live_", 10, Rule::Stripe),
    prefix(b"rk_live_", 10, Rule::Stripe),
    prefix(b"sk_test_", 10, Rule::Stripe),
    prefix(b"rk_test_", 10, Rule::Stripe),
    prefix(b"whsec_", 16, Rule::Stripe),
    prefix(b"npm_", 30, Rule::ApiKey),
    prefix(b"hf_", 30, Rule::ApiKey),
    prefix(b"dop_v1_", 40, Rule::ApiKey),
    prefix(b"shpat_", 20, Rule::ApiKey),
    prefix(b"lin_api_", 20, Rule::ApiKey),
    prefix(b"sntrys_", 20, Rule::ApiKey),
    prefix(b"gsk_", 30, Rule::ApiKey),
    prefix(b"glsa_", 20, Rule::ApiKey),
    prefix(b"glc_", 30, Rule::ApiKey),
];

const DASHED: [Prefix; 12] = [
    prefix(b"xoxb-", 10, Rule::Slack),
    prefix(b"xoxp-", 10, Rule::Slack),
    prefix(b"xoxa-", 10, Rule::Slack),
    prefix(b"xoxr-", 10, Rule::Slack),
    prefix(b"xoxs-", 10, Rule::Slack),
    prefix(b"xoxe-", 10, Rule::Slack),
    prefix(b"xapp-", 10, Rule::Slack),
    prefix(b"glpat-", 18, Rule::Github),
    prefix(b"GOCSPX-", 20, Rule::Google),
    prefix(b"pypi-", 30, Rule::ApiKey),
    prefix(b"sk-", 20, Rule::ApiKey),
    prefix(b"key-", 32, Rule::ApiKey),
];

/// At an underscore.
pub(super) fn underscored(place: Place<'_>) -> Option<Finding> {
    known(place, &UNDERSCORED)
}

/// At a dash.
pub(super) fn dashed(place: Place<'_>) -> Option<Finding> {
    known(place, &DASHED)
}

fn known(place: Place<'_>, prefixes: &[Prefix]) -> Option<Finding> {
    if place.after().len() < 10 {
        return None;
    }
    let end = place.at + 1;
    let before = &place.text[place.floor..end];
    let [.., last, _] = before else { return None };
    // Most prefixes are told apart by their last letter.
    let prefix = prefixes
        .iter()
        .find(|prefix| prefix.text[prefix.text.len() - 2] == *last && before.ends_with(prefix.text))?;
    let start = end - prefix.text.len();
    let token_end = place.token_end(end).max(end);
    // A run of letters is a word in some language of identifiers; keys have digits.
    let head = &place.text[end..token_end.min(end + HEAD_BYTES)];
    let is_key = prefix.rest_min <= head.len() && head.iter().any(u8::is_ascii_digit);
    (is_key && place.is_border(start)).then_some(Finding { start, end: token_end, rule: prefix.rule })
}

/// At the `J` of `eyJ`: three parts in base64, of which the first is the JSON of a header.
pub(super) fn jwt(place: Place<'_>) -> Option<Finding> {
    let start = place.at.checked_sub(2).filter(|start| place.floor <= *start && place.is_border(*start))?;
    if &place.text[start..place.at] != b"ey" {
        return None;
    }
    let mut end = place.token_end(start).max(start);
    if end - start < 10 || place.text.get(end) != Some(&b'.') {
        return None;
    }
    let payload = place.run(end + 1, is_token);
    if payload < 4 {
        return None;
    }
    end += 1 + payload;
    // The signature, and the two parts more that an encrypted one has.
    while place.text.get(end) == Some(&b'.') && place.text.get(end + 1).copied().is_some_and(is_token) {
        end += 1 + place.run(end + 1, is_token);
    }
    Some(Finding { start, end, rule: Rule::Jwt })
}

/// At the `K` of `AKIA` or the first `S` of `ASIA`: sixteen capitals and digits follow.
pub(super) fn aws(place: Place<'_>) -> Option<Finding> {
    let start = place.at.checked_sub(1).filter(|start| place.floor <= *start && place.is_border(*start))?;
    let id = place.text.get(start..start + 20)?;
    if !id.starts_with(b"AKIA") && !id.starts_with(b"ASIA") {
        return None;
    }
    let is_inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_whole = place.run(start, |byte| byte.is_ascii_alphanumeric()) == 20;
    (is_whole && id.iter().all(|byte| is_inner(*byte))).then_some(Finding {
        start,
        end: start + 20,
        rule: Rule::Aws,
    })
}

/// At the `z` of `AIza`: 35 bytes follow.
pub(super) fn google(place: Place<'_>) -> Option<Finding> {
    let start = place.at.checked_sub(2).filter(|start| place.floor <= *start && place.is_border(*start))?;
    if place.text.get(start..start + 4)? != b"AIza" {
        return None;
    }
    (39 <= place.run(start, is_token)).then(|| Finding {
        start,
        end: start + place.run(start, is_token),
        rule: Rule::Google,
    })
}
