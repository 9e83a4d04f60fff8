//! Queries: any text is read or refused with a column that lies within it, and what is written back means the same.

use query::Query;

/// A query.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Query::parse(text) {
        Ok(query) => {
            let written = query.to_string();
            let again = Query::parse(&written).expect("what we write we can read");
            assert_eq!(again.filter(), query.filter(), "{written}");
            assert_eq!(again.to_string(), written);
        }
        Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.column), "{error:?}"),
    }
}
