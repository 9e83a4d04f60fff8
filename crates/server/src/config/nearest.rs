//! Which name somebody meant.

/// Returns the candidate with the fewest letters to change; of equals the first.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> &'a str {
    let mut best = ("", usize::MAX);
    for candidate in candidates {
        let distance = distance(name, candidate);
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
        assert_eq!(nearest("otlp_grcp", ["otlp_http", "otlp_grpc", "zipkin"]), "otlp_grpc");
    }
}
