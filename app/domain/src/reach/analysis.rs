//! A dial plan made ready for many questions: its patterns read once, and the view of each list of partitions made once.

use super::tree::{Active, Tree};
use super::view::{Ranked, View};
use crate::dial_plan::{Activity, DialPlan, Endpoint, RoutePattern, TranslationPattern, place};
use crate::pattern::{InvalidPattern, Pattern};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Answers where calls go: [`DigitAnalysis::route`] for one number, [`DigitAnalysis::ways`] for all.
pub struct DigitAnalysis<'a> {
    plan: &'a DialPlan,
    /// Of a partition whose schedule is active at some hours only: is it seen?
    sometimes_active: bool,
    patterns: Vec<Listed<'a>>,
    read: Rc<Read>,
    /// By the names of the calling search spaces.
    views_by_name: RefCell<HashMap<Vec<String>, Rc<View>>>,
    /// Patterns that nothing is known of, and why.
    pub unreadable: Vec<InvalidPattern>,
}

/// What no step of a lock changes: the texts of the patterns, and where they stand.
struct Read {
    patterns: Vec<Option<Pattern>>,
    tree: Tree,
    /// By pattern: the number of its partition; 0 is `<None>`.
    partitions: Vec<usize>,
    numbers: HashMap<String, usize>,
    /// By the partitions that are searched: a state of the plan changes which these are, never what they hold.
    views: RefCell<HashMap<Vec<usize>, Rc<View>>>,
}

/// A pattern of any kind. It is named by its place in the list.
struct Listed<'a> {
    text: &'a str,
    partition: Option<&'a str>,
    urgent: bool,
    leads: Leads<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Leads<'a> {
    Out(&'a RoutePattern),
    On(&'a TranslationPattern),
    In(&'a Endpoint),
}

impl<'a> DigitAnalysis<'a> {
    /// `sometimes_active` says how to see partitions whose schedule is active at some hours only.
    pub fn new(plan: &'a DialPlan, sometimes_active: bool) -> Self {
        let patterns = listed(plan);
        let mut unreadable = Vec::new();
        let parsed = patterns.iter().map(|one| Pattern::parse(one.text).map_err(|error| unreadable.push(error)).ok());
        let parsed: Vec<_> = parsed.collect();
        let mut numbers = HashMap::new();
        let mut number = |name: &str| {
            let next = numbers.len() + 1;
            *numbers.entry(name.to_owned()).or_insert(next)
        };
        let partitions = patterns.iter().map(|one| one.partition.map_or(0, &mut number)).collect();
        let tree = Tree::of(parsed.iter().map(Option::as_ref));
        let read = Rc::new(Read { patterns: parsed, tree, partitions, numbers, views: RefCell::default() });
        Self { plan, sometimes_active, patterns, read, views_by_name: RefCell::default(), unreadable }
    }

    /// The same plan with partitions that are active at some hours only seen, or not.
    #[must_use]
    pub fn seen(&self, sometimes_active: bool) -> Self {
        self.in_state(self.plan, sometimes_active)
    }

    /// The same patterns in another state: blocked or not, seen or not, leading elsewhere. What was read of their texts
    /// is used again.
    pub fn in_state<'b>(&self, plan: &'b DialPlan, sometimes_active: bool) -> DigitAnalysis<'b> {
        let patterns = listed(plan);
        let same = patterns.len() == self.patterns.len()
            && patterns.iter().zip(&self.patterns).all(|(a, b)| a.text == b.text && a.partition == b.partition);
        if !same {
            return DigitAnalysis::new(plan, sometimes_active);
        }
        DigitAnalysis {
            plan,
            sometimes_active,
            patterns,
            read: self.read.clone(),
            views_by_name: RefCell::default(),
            unreadable: self.unreadable.clone(),
        }
    }

    /// What is seen from calling search spaces that are searched one after the other. `<None>` stands behind the last, and
    /// alone where there is none.
    pub(super) fn view(&self, spaces: &[&str]) -> Rc<View> {
        let names: Vec<String> = spaces.iter().map(|name| (*name).to_owned()).collect();
        if let Some(view) = self.views_by_name.borrow().get(&names) {
            return view.clone();
        }
        let view = self.view_of(self.searched(spaces));
        self.views_by_name.borrow_mut().insert(names, view.clone());
        view
    }

    fn view_of(&self, searched: Vec<usize>) -> Rc<View> {
        if let Some(view) = self.read.views.borrow().get(&searched) {
            return view.clone();
        }
        let partitions = self.read.numbers.len() + 1;
        let view = Rc::new(View::of(&self.read.tree, partitions, &searched, |number| self.ranked(number)));
        self.read.views.borrow_mut().insert(searched, view.clone());
        view
    }

    /// The partitions that are searched now, by number, without those that hold no pattern.
    fn searched(&self, spaces: &[&str]) -> Vec<usize> {
        let members = spaces.iter().filter_map(|name| self.plan.css(name)).flat_map(|css| &css.members);
        let active = members.filter(|name| self.is_active(name));
        active.filter_map(|name| self.read.numbers.get(name).copied()).chain([0]).collect()
    }

    fn is_active(&self, partition: &str) -> bool {
        let schedule = self.plan.partition(partition).and_then(|p| p.schedule.as_deref());
        match self.plan.activity(schedule) {
            Activity::Always => true,
            Activity::Never => false,
            Activity::Sometimes => self.sometimes_active,
        }
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.read.tree
    }

    pub(super) fn winner(&self, view: &View, active: &Active) -> Option<u32> {
        view.winner(active, |number| self.ranked(number))
    }

    fn ranked(&self, number: u32) -> Ranked<'_> {
        Ranked { partition: self.read.partitions[number as usize], text: self.text(number) }
    }

    pub(super) fn text(&self, number: u32) -> &'a str {
        self.patterns[number as usize].text
    }

    pub(super) fn partition(&self, number: u32) -> Option<&'a str> {
        self.patterns[number as usize].partition
    }

    pub(super) fn is_urgent(&self, number: u32) -> bool {
        self.patterns[number as usize].urgent
    }

    pub(super) fn leads(&self, number: u32) -> Leads<'a> {
        self.patterns[number as usize].leads
    }

    /// Those that can be read.
    pub(super) fn translations(&self) -> impl Iterator<Item = (u32, &'a TranslationPattern)> {
        let all = (0..).zip(&self.patterns).zip(&self.read.patterns);
        all.filter_map(|((number, listed), read)| match listed.leads {
            Leads::On(translation) if read.is_some() => Some((number, translation)),
            _ => None,
        })
    }

    /// As a telecom engineer names it.
    pub(super) fn name(&self, number: u32) -> String {
        place(self.text(number), self.partition(number))
    }

    /// One that a view found, so one that can be read.
    pub(super) fn pattern(&self, number: u32) -> &Pattern {
        self.read.patterns[number as usize].as_ref().expect("what cannot be read is not in the tree")
    }
}

fn listed(plan: &DialPlan) -> Vec<Listed<'_>> {
    let out = plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::Out(p)));
    let on = plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::On(p)));
    let into = plan.endpoints.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::In(p)));
    let all = out.chain(on).chain(into);
    all.map(|(text, partition, urgent, leads)| Listed { text, partition: partition.as_deref(), urgent, leads })
        .collect()
}
