//! One customer's visit: what all spans of a trace know in common.

use span::TraceId;

use crate::dice::{Dice, mix};

const USERS: u64 = 250_000;
const USER_AGENTS: u64 = 60;
const PRODUCTS: u64 = 8_000;
const SEARCH_TERMS: u64 = 3_000;

/// Whose shops run on the platform; the first ones are the busiest.
const TENANTS: [&str; 8] = ["acme", "globex", "initech", "umbrella", "hooli", "wonka", "stark", "tyrell"];

const TERM_FIRST: [&str; 50] = [
    "red", "blue", "green", "black", "white", "small", "large", "light", "heavy", "cheap", "vintage",
    "modern", "wool", "cotton", "leather", "linen", "silk", "steel", "wooden", "glass", "kids", "mens",
    "womens", "winter", "summer", "rain", "running", "hiking", "travel", "office", "kitchen", "garden",
    "camping", "smart", "wireless", "folding", "foldable", "organic", "slim", "wide", "long", "short",
    "warm", "soft", "hard", "round", "square", "used", "new", "gift",
];
const TERM_LAST: [&str; 60] = [
    "shirt",
    "shoes",
    "jacket",
    "socks",
    "hat",
    "gloves",
    "scarf",
    "belt",
    "bag",
    "backpack",
    "wallet",
    "watch",
    "lamp",
    "chair",
    "table",
    "desk",
    "shelf",
    "sofa",
    "bed",
    "pillow",
    "blanket",
    "towel",
    "curtain",
    "carpet",
    "mug",
    "plate",
    "bowl",
    "knife",
    "fork",
    "spoon",
    "pan",
    "pot",
    "kettle",
    "toaster",
    "blender",
    "oven",
    "phone",
    "tablet",
    "laptop",
    "charger",
    "cable",
    "headphones",
    "speaker",
    "camera",
    "tripod",
    "bike",
    "helmet",
    "tent",
    "stove",
    "rope",
    "lantern",
    "map",
    "compass",
    "book",
    "pen",
    "notebook",
    "puzzle",
    "doll",
    "kite",
    "ball",
];

/// A customer, their session and what they look at.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) trace_id: TraceId,
    pub(crate) user: String,
    pub(crate) session: String,
    pub(crate) client: String,
    pub(crate) user_agent: String,
    pub(crate) tenant: &'static str,
    pub(crate) order: String,
    pub(crate) term: String,
    product: u64,
}

impl Visit {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let user = dice.skewed(USERS, 1.6);
        // Address and browser are the user's own, so they follow from the number.
        let own = mix(user);
        let term = dice.skewed(SEARCH_TERMS, 2.0) as usize;
        Self {
            trace_id: TraceId::from_halves(dice.id(), dice.id()),
            user: format!("usr_{user:06}"),
            session: dice.uuid(),
            client: format!("{}.{}.{}.{}", 11 + own % 200, own >> 8 & 255, own >> 16 & 255, own >> 24 & 255),
            user_agent: user_agent(own >> 32),
            tenant: TENANTS[dice.skewed(TENANTS.len() as u64, 2.0) as usize],
            order: dice.uuid(),
            term: format!("{} {}", TERM_FIRST[term / TERM_LAST.len()], TERM_LAST[term % TERM_LAST.len()]),
            product: dice.skewed(PRODUCTS, 2.0),
        }
    }

    /// Returns a product: the one that is looked at, or one beside it.
    pub(crate) fn product(&self, dice: &mut Dice) -> String {
        let product = if dice.chance(0.5) { self.product } else { dice.skewed(PRODUCTS, 2.0) };
        format!("SKU-{product:05}")
    }

    /// Fills `{user}`, `{session}`, `{tenant}`, `{order}` and `{product}` in.
    pub(crate) fn fill(&self, pattern: &str, dice: &mut Dice) -> String {
        let mut filled = String::with_capacity(pattern.len() + 32);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            match name {
                "user" => filled.push_str(&self.user),
                "session" => filled.push_str(&self.session),
                "tenant" => filled.push_str(self.tenant),
                "order" => filled.push_str(&self.order),
                _ => filled.push_str(&self.product(dice)),
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

fn user_agent(own: u64) -> String {
    let number = own % USER_AGENTS;
    let system = [
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "iPhone; CPU iPhone OS 18_5 like Mac OS X",
        "Linux; Android 15; Pixel 9",
    ][number as usize % 5];
    let version = 126 + number / 5;
    format!(
        "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_filled_with_the_visit() {
        let mut dice = Dice::new(42);
        let visit = Visit::new(&mut dice);
        let filled = visit.fill("cart:{user} {product} ?", &mut dice);
        assert!(filled.starts_with(&format!("cart:{} SKU-", visit.user)), "{filled}");
        assert!(filled.ends_with(" ?") && !filled.contains('{'), "{filled}");
    }
}
