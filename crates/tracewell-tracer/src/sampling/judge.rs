//! The sampler at work.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracewell_context::{Context, Sampling as Binding, TraceState};

use super::ratio::{WHOLE, randomness, state, threshold};
use super::rule::Bucket;
use crate::fork;

use super::{Asking, Decide, Priority, Rule, Sampler, Sampling};

/// `plain` where one threshold does not say it all.
const ASK: u64 = u64::MAX;
/// `plain` where everything is recorded, and no state tells of it.
const ALL: u64 = u64::MAX - 1;
/// What decides where one threshold says it all.
const PLAIN: [&str; 5] = ["always_on", "always_off", "ratio", "load", "emergency"];

/// Decides about spans.
#[derive(Debug)]
pub(crate) struct Judge {
    home: u32,
    parent_based: bool,
    emergency_ratio: f64,
    /// The threshold that decides about every root, or [`ASK`]: the lock is for those that are kept and
    /// for samplers that look closer.
    plain: AtomicU64,
    /// What that is called: a place in [`PLAIN`].
    plain_name: AtomicUsize,
    /// Whether the sampler wants to know attributes.
    curious: AtomicBool,
    standing: RwLock<Standing>,
}

/// What was decided.
#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    /// Where it is recorded, what its trace state says of it.
    pub(crate) recorded: Option<TraceState>,
    /// What decided.
    pub(crate) rule: RuleName,
}

/// The name of what decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RuleName {
    /// One of ours.
    Own(&'static str),
    /// A rule of the user's.
    Named(Arc<str>),
}

impl RuleName {
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Own(name) => name,
            Self::Named(name) => name,
        }
    }
}

impl Verdict {
    fn no(rule: &'static str) -> Self {
        Self { recorded: None, rule: RuleName::Own(rule) }
    }
}

/// The sampler, with its shares as they are at the moment.
#[derive(Debug)]
struct Standing {
    sampler: Sampler,
    /// What load leaves of every share.
    scale: f64,
    /// An emergency by load.
    overloaded: bool,
    /// An emergency by somebody's word.
    declared: bool,
    /// The most that any share may be.
    share_max: f64,
    /// What is asked, in order; the last fits everything.
    tests: Vec<Test>,
}

struct Test {
    rule: Option<Rule>,
    name: RuleName,
    way: Way,
}

enum Way {
    Share(Share, Option<Bucket>),
    PerSecond(Bucket),
    /// A function, and the share of its yeses that load leaves.
    Ask(Decide, Share),
}

impl std::fmt::Debug for Test {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?}", self.name, self.rule)
    }
}

#[derive(Clone, Debug)]
struct Share {
    threshold: u64,
    state: TraceState,
}

impl Share {
    /// `silent` is a share of one that no trace state tells of.
    fn of(share: f64, silent: bool) -> Self {
        let threshold = threshold(share);
        let untold = WHOLE <= threshold || silent && threshold == 0;
        Self { threshold, state: if untold { TraceState::EMPTY } else { state(threshold) } }
    }
}

impl Standing {
    fn new(sampler: Sampler, emergency_ratio: f64) -> Self {
        let mut standing = Self {
            sampler,
            scale: 1.0,
            overloaded: false,
            declared: false,
            share_max: emergency_ratio,
            tests: Vec::new(),
        };
        standing.settle();
        standing
    }

    fn is_emergency(&self) -> bool {
        self.overloaded || self.declared
    }

    /// Works the shares out again.
    fn settle(&mut self) {
        let emergency = self.is_emergency();
        let most = if emergency { self.share_max } else { 1.0 };
        let scale = self.scale;
        let left = |share: f64| (share * scale).min(most);
        let share = |share: f64, silent: bool| Share::of(left(share), silent);
        let under = |own: &'static str| {
            RuleName::Own(match () {
                () if emergency => "emergency",
                () if scale < 1.0 => "load",
                () => own,
            })
        };
        let all = |name, way| Test { rule: None, name, way };
        self.tests = match &self.sampler {
            Sampler::AlwaysOn => vec![all(under("always_on"), Way::Share(share(1.0, true), None))],
            Sampler::AlwaysOff => {
                vec![all(RuleName::Own("always_off"), Way::Share(share(0.0, true), None))]
            }
            Sampler::Ratio(ratio) => vec![all(under("ratio"), Way::Share(share(*ratio, false), None))],
            Sampler::PerSecond(rate) => {
                vec![all(under("per_second"), Way::PerSecond(Bucket::new(left(1.0) * rate)))]
            }
            Sampler::Custom(decide) => {
                vec![all(under("custom"), Way::Ask(Arc::clone(decide), share(1.0, true)))]
            }
            Sampler::Rules { rules, otherwise } => {
                let test = |rule: &Rule| {
                    let way = match rule.per_second {
                        Some(rate) => Way::PerSecond(Bucket::new(left(1.0) * rate)),
                        None => Way::Share(share(rule.share, false), rule.at_least.map(Bucket::new)),
                    };
                    let name = RuleName::Named(Arc::from(rule.name.as_str()));
                    Test { rule: Some(rule.clone()), name, way }
                };
                let last = all(RuleName::Own("otherwise"), Way::Share(share(*otherwise, false), None));
                rules.iter().map(test).chain([last]).collect()
            }
        };
    }

    fn plain(&self) -> u64 {
        match self.tests.as_slice() {
            [Test { rule: None, way: Way::Share(share, None), .. }] => {
                if share.threshold == 0 && share.state.as_str().is_empty() { ALL } else { share.threshold }
            }
            _ => ASK,
        }
    }

    fn plain_name(&self) -> usize {
        let name = self.tests.first().map_or("", |test| test.name.as_str());
        PLAIN.iter().position(|plain| *plain == name).unwrap_or_default()
    }

    fn is_curious(&self) -> bool {
        matches!(self.sampler, Sampler::Custom(_))
            || self.tests.iter().any(|test| test.rule.as_ref().is_some_and(Rule::wants_attributes))
    }
}

impl Judge {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        let judge = Self {
            home: fork::process(),
            parent_based: sampling.parent_based,
            emergency_ratio: sampling.emergency_ratio,
            plain: AtomicU64::new(ASK),
            plain_name: AtomicUsize::new(0),
            curious: AtomicBool::new(false),
            standing: RwLock::new(Standing::new(sampling.root.clone(), sampling.emergency_ratio)),
        };
        judge.change(|_| {});
        judge
    }

    /// Changes how roots are decided from now on.
    pub(crate) fn replace(&self, sampler: Sampler) {
        self.change(|standing| standing.sampler = sampler);
    }

    /// Says what load leaves of every share, and whether it is an emergency.
    pub(crate) fn load(&self, scale: f64, emergency: bool) {
        self.change(|standing| (standing.scale, standing.overloaded) = (scale, emergency));
    }

    /// Begins or ends an emergency that somebody declares.
    pub(crate) fn emergency(&self, on: bool) {
        self.change(|standing| standing.declared = on);
    }

    /// Tells whether there is an emergency.
    pub(crate) fn is_emergency(&self) -> bool {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).is_emergency()
    }

    fn change(&self, change: impl FnOnce(&mut Standing)) {
        let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut standing);
        standing.share_max = self.emergency_ratio;
        standing.settle();
        // Who reads between the two stores names a decision wrongly, once.
        self.plain_name.store(standing.plain_name(), Ordering::Relaxed);
        self.plain.store(standing.plain(), Ordering::Relaxed);
        self.curious.store(standing.is_curious(), Ordering::Relaxed);
    }

    /// Returns how roots are decided.
    pub(crate) fn sampler(&self) -> Sampler {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).sampler.clone()
    }

    /// Tells whether no trace is ever recorded, except one that says so itself.
    pub(crate) fn is_off(&self) -> bool {
        WHOLE == self.plain.load(Ordering::Relaxed)
    }

    /// Tells whether attributes are wanted before the decision.
    #[inline]
    pub(crate) fn is_curious(&self) -> bool {
        self.curious.load(Ordering::Relaxed)
    }

    /// Returns the parent's decision where it binds.
    #[inline]
    pub(crate) fn inherited(&self, parent: &Context) -> Option<bool> {
        match parent.sampling {
            Binding::Debug => Some(true),
            Binding::Decided if self.parent_based => Some(parent.span.flags.is_sampled()),
            _ => None,
        }
    }

    /// Decides, at a time of the tracer's clock. What is recorded by a share gets the state that says so.
    #[inline]
    pub(crate) fn decide(
        &self,
        asking: &Asking<'_>,
        priority: Option<Priority>,
        now: impl FnOnce() -> u64,
    ) -> Verdict {
        let plain = self.plain.load(Ordering::Relaxed);
        if plain == ASK || priority.is_some() {
            return self.look_closer(asking, priority, now());
        }
        // Nearly always: everything is recorded, or a small share.
        let recorded = plain == ALL;
        if !recorded && plain <= randomness(asking) {
            return self.look_closer(asking, priority, now());
        }
        let name = PLAIN.get(self.plain_name.load(Ordering::Relaxed)).copied().unwrap_or_default();
        Verdict { recorded: recorded.then_some(TraceState::EMPTY), rule: RuleName::Own(name) }
    }

    #[inline(never)]
    fn look_closer(&self, asking: &Asking<'_>, priority: Option<Priority>, now: u64) -> Verdict {
        let Some(standing) = fork::read(&self.standing, self.home) else { return Verdict::no("forked") };
        let whole = |rule| Verdict { recorded: Some(TraceState::EMPTY), rule: RuleName::Own(rule) };
        match priority {
            Some(Priority::Emergency) => return whole("priority.emergency"),
            Some(Priority::High) if !standing.is_emergency() => return whole("priority.high"),
            Some(Priority::Never) => return Verdict::no("priority.never"),
            _ => {}
        }
        let fitting =
            standing.tests.iter().find(|test| test.rule.as_ref().is_none_or(|rule| rule.fits(asking)));
        let Some(test) = fitting else { return Verdict::no("otherwise") };
        let name = test.name.clone();
        let recorded = match &test.way {
            Way::Share(share, at_least) => {
                within(share, asking).or_else(|| at_least.as_ref()?.take(now).then_some(TraceState::EMPTY))
            }
            Way::PerSecond(bucket) => bucket.take(now).then_some(TraceState::EMPTY),
            Way::Ask(decide, share) => {
                let (decide, share) = (Arc::clone(decide), share.clone());
                // A user's function runs without the lock: it may set the rate.
                drop(standing);
                if decide(asking) { within(&share, asking) } else { None }
            }
        };
        if priority != Some(Priority::Low) {
            return Verdict { recorded, rule: name };
        }
        let recorded = recorded.and_then(|state| a_tenth(&state, asking));
        Verdict { recorded, rule: RuleName::Own("priority.low") }
    }
}

fn within(share: &Share, asking: &Asking<'_>) -> Option<TraceState> {
    (share.threshold <= randomness(asking)).then(|| share.state.clone())
}

/// Keeps a tenth of what a state stands for.
fn a_tenth(of: &TraceState, asking: &Asking<'_>) -> Option<TraceState> {
    let before =
        of.ot("th").map_or(0, |digits| u64::from_str_radix(&format!("{digits:0<14}"), 16).unwrap_or(0));
    let threshold = WHOLE - (WHOLE - before.min(WHOLE - 1)).div_ceil(10);
    (threshold <= randomness(asking)).then(|| state(threshold))
}

#[cfg(test)]
mod tests {
    use tracewell_context::TraceId;

    use super::*;
    use crate::kind::Kind;

    fn asking(low: u64) -> Asking<'static> {
        let trace_id = TraceId::from_halves(0, low);
        Asking { name: "GET /", kind: Kind::Server, parent: None, trace_id, message: &[] }
    }

    fn judge(root: Sampler) -> Judge {
        Judge::new(&Sampling { root, emergency_ratio: 0.01, ..Sampling::default() })
    }

    fn kept(judge: &Judge, priority: Option<Priority>) -> usize {
        let step = WHOLE / 1_000;
        (0..1_000).filter(|n| judge.decide(&asking(n * step), priority, || 0).recorded.is_some()).count()
    }

    #[test]
    fn ratio_keeps_its_share_and_says_so() {
        let judge = judge(Sampler::Ratio(0.25));
        assert!((249..=251).contains(&kept(&judge, None)));
        let high = judge.decide(&asking(WHOLE - 1), None, || 0);
        assert_eq!(high.recorded.unwrap().as_str(), "ot=th:c");
        judge.replace(Sampler::Ratio(0.0));
        assert_eq!(judge.decide(&asking(WHOLE - 1), None, || 0).recorded, None);
    }

    #[test]
    fn priorities_stand_over_shares() {
        let judge = judge(Sampler::Ratio(0.5));
        assert_eq!(kept(&judge, Some(Priority::High)), 1_000);
        assert_eq!(kept(&judge, Some(Priority::Never)), 0);
        let low = kept(&judge, Some(Priority::Low));
        assert!((49..=51).contains(&low), "{low}");
        let lowest = judge.decide(&asking(WHOLE - 1), Some(Priority::Low), || 0).recorded.unwrap();
        assert!(lowest.as_str().starts_with("ot=th:f333333"), "{lowest:?}");
    }

    #[test]
    fn emergency_leaves_little_but_what_says_emergency() {
        let judge = judge(Sampler::AlwaysOn);
        judge.emergency(true);
        assert!((9..=11).contains(&kept(&judge, None)));
        assert!((9..=11).contains(&kept(&judge, Some(Priority::High))));
        assert_eq!(kept(&judge, Some(Priority::Emergency)), 1_000);
        assert_eq!(judge.decide(&asking(0), None, || 0).rule.as_str(), "emergency");
        judge.emergency(false);
        assert_eq!(kept(&judge, None), 1_000);
    }

    #[test]
    fn load_scales_every_share_and_the_state_says_so() {
        let judge = judge(Sampler::Ratio(0.5));
        judge.load(0.5, false);
        assert!((249..=251).contains(&kept(&judge, None)));
        assert_eq!(judge.decide(&asking(WHOLE - 1), None, || 0).recorded.unwrap().as_str(), "ot=th:c");
        let always = self::judge(Sampler::AlwaysOn);
        always.load(0.25, false);
        assert!((249..=251).contains(&kept(&always, None)));
    }

    #[test]
    fn first_rule_that_fits_decides() {
        let rules = vec![
            Rule::new("other").operation("POST *"),
            Rule::new("half").operation("GET *").kind(Kind::Server).share(0.5),
            Rule::new("never reached").share(1.0),
        ];
        let judge = judge(Sampler::Rules { rules, otherwise: 0.0 });
        assert!((499..=501).contains(&kept(&judge, None)));
        assert_eq!(judge.decide(&asking(0), None, || 0).rule.as_str(), "half");
    }
}
