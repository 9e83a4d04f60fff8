//! Which name somebody meant.

/// Returns the candidate with the fewest letters to change; of equals the first. A dash is as good as an
/// underscore, and whoever leaves a group out, or writes another one, means its member.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> &'a str {
    let name = name.replace('-', "_");
    let member = name.rsplit('.').next().unwrap_or_default();
    let mut best = ("", usize::MAX);
    for candidate in candidates {
        let own = candidate.rsplit('.').next().unwrap_or_default();
        // One more, so that a whole name that is as near goes first.
        let distance = distance(&name, candidate).min(distance(member, own) + 1);
        if distance < best.1 {
            best = (candidate, distance);
        }
    }
    best.0
}

/// Counts the letters to insert, remove, replace or swap with their neighbour. Only the start of a long
/// name is looked at.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(64).collect();
    let right: Vec<char> = right.chars().take(64).collect();
    let mut before: Vec<usize> = vec![0; right.len() + 1];
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, letter) in left.iter().enumerate() {
        let mut next = vec![at + 1];
        for (place, other) in right.iter().enumerate() {
            let mut cost =
                (row[place] + usize::from(letter != other)).min(row[place + 1] + 1).min(next[place] + 1);
            if 0 < at && 0 < place && *letter == right[place - 1] && left[at - 1] == *other {
                cost = cost.min(before[place - 1] + 1);
            }
            next.push(cost);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (left, right, expected) in
            [("", "ab", 2), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
        assert_eq!(
            nearest("otlp-grpc", ["storage", "listen.otlp_http", "listen.otlp_grpc"]),
            "listen.otlp_grpc"
        );
        assert_eq!(nearest("otlp_grcp", ["otlp_http", "otlp_grpc", "zipkin"]), "otlp_grpc");
    }
}
