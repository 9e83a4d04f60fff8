//! Makes a plan that fails as short as it gets and still fails.
//!
//! First everything behind the failure is cut off. Then runs of steps are left out, half of them at a
//! time at first, a single one in the end, as long as what remains fails, in whatever way.

use crate::plan::Plan;
use crate::run::{Failure, run};

/// How many runs are spent on it.
const RUNS_MAX: usize = 600;

/// Returns the shortest plan that was found, and how it fails.
pub fn shrink(plan: &Plan, failure: Failure) -> (Plan, Failure) {
    let (mut plan, mut failure) = (plan.clone(), failure);
    plan.steps.truncate(failure.step + 1);
    let mut runs = 0;
    let mut size = plan.steps.len().div_ceil(2);
    while 0 < size {
        let mut at = 0;
        let mut shrunk = false;
        while at < plan.steps.len() && runs < RUNS_MAX {
            let mut shorter = plan.clone();
            let end = (at + size).min(shorter.steps.len());
            shorter.steps.drain(at..end);
            runs += 1;
            match run(&shorter) {
                Err(other) => {
                    shorter.steps.truncate(other.step + 1);
                    (plan, failure, shrunk) = (shorter, other, true);
                }
                Ok(_) => at += size,
            }
        }
        if !shrunk || RUNS_MAX <= runs {
            size /= 2;
        }
    }
    (plan, failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;

    #[test]
    fn what_fails_is_cut_to_the_steps_that_matter() {
        // There is no such tenant, so the step panics wherever it stands while the engine runs.
        let mut plan = Plan::of(1);
        plan.steps.insert(plan.steps.len() / 2, Step::Hold { tenant: 77 });
        let failure = run(&plan).unwrap_err();
        let (short, failure) = shrink(&plan, failure);
        assert_eq!((short.steps, failure.step), (vec![Step::Hold { tenant: 77 }], 0));
    }
}
