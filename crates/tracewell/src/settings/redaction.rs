//! Which secrets are taken out of what is sent, and what becomes of them.

use tracewell_redact::{Mode, Redactor, Rule, Rules};

use super::Environment;

/// Reads the rules; none if nothing is to be taken out.
pub(super) fn read(env: &mut Environment<'_>) -> Option<Rules> {
    let mut rules = Rules::secrets();
    match env.text("TRACEWELL_REDACT").map(|word| word.to_ascii_lowercase()).as_deref() {
        None | Some("on" | "true") => {}
        Some("off" | "false") => return None,
        Some(word) => match Mode::named(word) {
            Some(mode) => Rule::ALL.into_iter().for_each(|rule| rules.modes.set(rule, mode)),
            None => {
                let warning = format!(
                    "TRACEWELL_REDACT=`{word}` is none of on, off, mask, last4, token, hmac, drop: on it is"
                );
                env.warn(warning);
            }
        },
    }
    for (name, list) in
        [("TRACEWELL_REDACT_DENY", &mut rules.deny), ("TRACEWELL_REDACT_ALLOW", &mut rules.allow)]
    {
        let Some(text) = env.text(name) else { continue };
        list.extend(text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned));
    }
    rules.hmac_key = env.text("TRACEWELL_REDACT_HMAC_KEY").unwrap_or_default().into_bytes();
    if let Err(error) = Redactor::new(&rules) {
        env.warn(format!("TRACEWELL_REDACT: {error}: secrets are masked by the usual rules"));
        rules = Rules::secrets();
    }
    Some(rules)
}
