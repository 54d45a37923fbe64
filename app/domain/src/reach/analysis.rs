//! A dial plan in one state, made ready for many questions.

use super::index::PatternIndex;
use super::tree::{Active, Node, Tree};
use super::view::{Ranked, View};
use crate::dial_plan::{Activity, CallingSearchSpace, DialPlan, Endpoint, RoutePattern, TranslationPattern, place};
use crate::hours::Hours;
use crate::originator::Originator;
use crate::pattern::{InvalidPattern, Pattern};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Answers where calls go: [`DigitAnalysis::route`] for one number, [`DigitAnalysis::ways`] for all.
pub struct DigitAnalysis<'a> {
    plan: &'a DialPlan,
    hours: Hours,
    originator: Originator,
    listed: Vec<Listed<'a>>,
    index: Arc<PatternIndex>,
    /// By the names of the calling search spaces.
    views: RefCell<HashMap<Vec<String>, Rc<View>>>,
}

/// A pattern of any kind. It is named by its place in the list.
pub(super) struct Listed<'a> {
    pub(super) text: &'a str,
    pub(super) partition: Option<&'a str>,
    pub(super) urgent: bool,
    pub(super) leads: Leads<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Leads<'a> {
    Out(&'a RoutePattern),
    On(&'a TranslationPattern),
    In(&'a Endpoint),
}

impl<'a> DigitAnalysis<'a> {
    /// `hours` says which partitions that are active at some hours only are seen.
    pub fn new(plan: &'a DialPlan, hours: &Hours) -> Self {
        Self::over(&Arc::new(PatternIndex::of(plan)), plan, hours)
    }

    /// The same where the patterns were read before, in whatever state: blocked or not, seen or not, leading elsewhere.
    pub fn over(index: &Arc<PatternIndex>, plan: &'a DialPlan, hours: &Hours) -> Self {
        let listed = listed(plan);
        let index = if index.is_of(plan, &listed) { index.clone() } else { Arc::new(PatternIndex::of(plan)) };
        Self { plan, hours: hours.clone(), originator: Originator::default(), listed, index, views: RefCell::default() }
    }

    /// The same plan at other hours.
    #[must_use]
    pub fn at(&self, hours: &Hours) -> Self {
        self.in_state(self.plan, hours)
    }

    /// The same patterns in another state. What was read of their texts is used again.
    pub fn in_state<'b>(&self, plan: &'b DialPlan, hours: &Hours) -> DigitAnalysis<'b> {
        DigitAnalysis::over(&self.index, plan, hours)
    }

    /// The same by another reading of "Use Originator's Calling Search Space".
    #[must_use]
    pub fn reading(self, originator: Originator) -> Self {
        Self { originator, ..self }
    }

    /// Where a translation of its originator's calling search space looks up its digits, met in one of these.
    pub(super) fn originators(&self, caller: &Rc<View>, in_effect: &Rc<View>) -> Rc<View> {
        match self.originator {
            Originator::InEffect => in_effect.clone(),
            Originator::Caller => caller.clone(),
        }
    }

    /// Patterns that nothing is known of, and why.
    pub fn unreadable(&self) -> &[InvalidPattern] {
        &self.index.unreadable
    }

    /// What is seen from calling search spaces that are searched one after the other. `<None>` stands behind the last, and
    /// alone where there is none.
    pub(super) fn view(&self, spaces: &[&str]) -> Rc<View> {
        let names: Vec<String> = spaces.iter().map(|name| (*name).to_owned()).collect();
        let mut views = self.views.borrow_mut();
        views.entry(names).or_insert_with(|| Rc::new(self.index.view(&self.searched(spaces)))).clone()
    }

    /// The partitions that are searched now and bear on ways out, by number: callers for whom these are the same get out by
    /// the same patterns. A number that rings inside bears on none, unless a route or translation pattern takes it, too.
    pub fn bearing_on_ways_out(&self, spaces: &[&str]) -> Vec<usize> {
        let mut searched = self.searched(spaces);
        searched.retain(|partition| !self.index.quiet[*partition]);
        searched
    }

    /// The partitions that are searched now, by name and in their order, `<None>` left out; true of those that bear on no way
    /// out.
    pub fn searched_by_name<'s>(&'s self, spaces: &[&str]) -> impl Iterator<Item = (&'s str, bool)> {
        self.members(spaces).map(|(number, name)| (name, self.index.quiet[number]))
    }

    /// The partitions that are searched now, by number, without those that hold no pattern.
    fn searched(&self, spaces: &[&str]) -> Vec<usize> {
        self.members(spaces).map(|(number, _)| number).chain([0]).collect()
    }

    /// The same with their names, without `<None>`.
    fn members<'s>(&'s self, spaces: &[&str]) -> impl Iterator<Item = (usize, &'s str)> {
        let found: Vec<&CallingSearchSpace> = spaces.iter().filter_map(|name| self.plan.css(name)).collect();
        let active = found.into_iter().flat_map(|css| &css.members).filter(|name| self.is_active(name));
        active.filter_map(|name| Some((*self.index.numbers.get(name)?, name.as_str())))
    }

    fn is_active(&self, partition: &str) -> bool {
        let partition = self.plan.partition(partition);
        let schedule = partition.and_then(|p| p.schedule.as_deref());
        let zone = partition.and_then(|p| p.zone.as_deref());
        match self.plan.activity(schedule) {
            Activity::Always => true,
            Activity::Never => false,
            Activity::Sometimes => schedule.is_some_and(|name| self.hours.are(name, zone)),
        }
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.index.tree
    }

    pub(super) fn winner(&self, view: &View, active: &Active) -> Option<u32> {
        view.winner(self.tree(), active, |number| self.ranked(number))
    }

    /// Of the patterns that end here, the one that wins.
    pub(super) fn best(&self, view: &View, node: Node) -> Option<u32> {
        view.best(self.tree().ends(node), |number| self.ranked(number))
    }

    /// Of the patterns of which this holds, the one whose partition is searched first.
    pub(super) fn first_seen(&self, view: &View, holds: impl Fn(u32) -> bool) -> Option<u32> {
        let numbers = (0..u32::try_from(self.listed.len()).unwrap_or(u32::MAX)).filter(|number| holds(*number));
        let ranked = numbers.filter_map(|number| Some((view.rank(self.index.partitions[number as usize])?, number)));
        ranked.min().map(|(_, number)| number)
    }

    fn ranked(&self, number: u32) -> Ranked<'_> {
        Ranked { partition: self.index.partitions[number as usize], text: self.text(number) }
    }

    pub(super) fn text(&self, number: u32) -> &'a str {
        self.listed[number as usize].text
    }

    pub(super) fn partition(&self, number: u32) -> Option<&'a str> {
        self.listed[number as usize].partition
    }

    pub(super) fn is_urgent(&self, number: u32) -> bool {
        self.listed[number as usize].urgent
    }

    pub(super) fn leads(&self, number: u32) -> Leads<'a> {
        self.listed[number as usize].leads
    }

    /// Those that can be read.
    pub(super) fn translations(&self) -> impl Iterator<Item = (u32, &'a TranslationPattern)> {
        let all = (0..).zip(&self.listed).zip(&self.index.read);
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
        self.index.read[number as usize].as_ref().expect("what cannot be read is not in the tree")
    }
}

pub(super) fn listed(plan: &DialPlan) -> Vec<Listed<'_>> {
    let out = plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::Out(p)));
    let on = plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::On(p)));
    let into = plan.endpoints.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::In(p)));
    let all = out.chain(on).chain(into);
    all.map(|(text, partition, urgent, leads)| Listed { text, partition: partition.as_deref(), urgent, leads })
        .collect()
}
