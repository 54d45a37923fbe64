//! A site as an open page knows it: the last news, greyed out by itself when it grows old.

use crate::gadget;
use crate::live::{Line, browser_now, listen};
use crate::view::{EventView, Live, RequestNews, SiteView, Waiting};
use leptos::prelude::*;
use lockdown::ids::SiteId;
use lockdown::say::{SCREEN_LOST, SCREEN_LOST_THEN};
use lockdown::standing::Standing;
use std::time::Duration;

/// Entries a page keeps of the live timeline.
const KEPT: usize = 20;

const TICK: Duration = Duration::from_secs(1);

/// Older than this, a reading says nothing any more: `deploy/guide/architecture.md`.
const STALE_SECONDS: i64 = 30;

/// A browser's clock may step back a little; more is not believed.
const SKEW_SECONDS: i64 = 5;

#[derive(Clone, Copy)]
pub(crate) struct SiteLive {
    site: RwSignal<SiteView>,
    /// Seconds the reading is old by the server's clock; `None` until the browser runs.
    pub(crate) age: RwSignal<Option<i64>>,
    /// Seconds since the order.
    pub(crate) elapsed: RwSignal<Option<i64>>,
    pub(crate) events: RwSignal<Vec<EventView>>,
    /// Open requests, where the page counts them.
    pub(crate) waiting: RwSignal<Vec<Waiting>>,
    /// The server's clock, in milliseconds since 1970; `None` until the browser runs.
    pub(crate) now: RwSignal<Option<i64>>,
    pub(crate) line: ReadSignal<Line>,
    /// When the line was lost, as the site's clock shows it.
    pub(crate) lost_at: RwSignal<Option<String>>,
    /// The line brings less than the page began with: the session ended, or a role was taken away.
    pub(crate) signed_out: RwSignal<bool>,
    /// When it last came: what the browser's clock showed then. Only the time since is taken from that clock.
    arrived: RwSignal<f64>,
}

impl SiteLive {
    /// Begins with what came with the page and goes on with what the line brings.
    pub(crate) fn begin(first: SiteView, events: Vec<EventView>, waiting: Vec<Waiting>) -> Self {
        let id = first.id.clone();
        let site = RwSignal::new(first);
        let events = RwSignal::new(events);
        let after = events.with_untracked(|events| events.first().map_or(0, |event| event.seq));
        let waiting = RwSignal::new(waiting);
        let now = RwSignal::new(None);
        let arrived = RwSignal::new(0.0);
        let signed_out = RwSignal::new(false);
        let line = listen(format!("/ui/live?after={after}"), move |news| {
            if take(&id, news, site, events, waiting, signed_out) {
                arrived.set(browser_now());
            }
        });
        let age = RwSignal::new(None);
        let elapsed = RwSignal::new(None);
        let lost_at = RwSignal::new(None);
        let live = Self { site, age, elapsed, events, waiting, now, line, lost_at, signed_out, arrived };
        Effect::new(move || {
            arrived.set(browser_now());
            gadget::wake(live);
            if let Ok(ticking) = set_interval_with_handle(move || live.tick(), TICK) {
                on_cleanup(move || ticking.clear());
            }
        });
        // With the news, and not up to a second later: what stands beside it belongs to it.
        Effect::new(move || {
            if arrived.get() > 0.0 {
                live.count();
            }
        });
        Effect::new(move || {
            let lost = line.get() == Line::Lost;
            lost_at.update(|at| {
                if lost {
                    at.get_or_insert_with(|| untrack(|| live.clock()));
                } else {
                    *at = None;
                }
            });
        });
        live
    }

    /// What was asked for while the line is dead.
    pub(crate) fn heard(self, site: SiteView) {
        let newer = self.site.with_untracked(|known| known.answered_ms < site.answered_ms && known.id == site.id);
        if newer {
            self.arrived.set(browser_now());
            self.site.update(|known| *known = SiteView { detail: known.detail.take(), ..site });
        }
    }

    /// How the site stands after an order from here: known at once, whatever became of the line.
    pub(crate) fn ordered(self, said: &str) {
        let Ok(site) = serde_json::from_str::<SiteView>(said) else { return };
        let newer = self.site.with_untracked(|known| known.answered_ms < site.answered_ms && known.id == site.id);
        if newer {
            self.arrived.set(browser_now());
            self.site.set(site);
        }
    }

    fn tick(self) {
        gadget::tick(self);
        self.count();
    }

    /// The server's clock now: what it said last, and the browser's time since.
    fn count(self) {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the page was opened")]
        let since = (browser_now() - self.arrived.get_untracked()) as i64;
        self.site.with_untracked(|site| {
            let now = site.answered_ms + since;
            let age = |ms: i64| (now - ms) / 1000;
            self.now.set(Some(now));
            self.age.set(site.read.as_ref().map(|read| age(read.ms)));
            self.elapsed.set(Some(age(site.since.ms)));
        });
    }

    /// The site as it may be shown now: unknown once the reading is older than 30 s, whether or not
    /// the line still brings news. Where it does not, the server is to blame and not CUCM.
    pub(crate) fn shown(self) -> SiteView {
        let mut site = self.site.get();
        if self.is_stale() {
            let confirmed = match site.standing {
                Standing::Unknown { confirmed, .. } => confirmed,
                Standing::Pending { .. } => false,
                Standing::Drifted { .. } | Standing::Locked | Standing::Normal => true,
            };
            site.standing = Standing::Unknown { ordered: site.ordered, confirmed };
            site.said = site.unseen.clone();
            if self.has_lost_the_server() {
                let drill = if site.drill { "DRILL: " } else { "" };
                site.said.headline = [drill, SCREEN_LOST].concat();
                SCREEN_LOST_THEN.clone_into(&mut site.said.next_step);
            }
        }
        site
    }

    fn is_stale(self) -> bool {
        self.age.get().is_some_and(|age| !(-SKEW_SECONDS..=STALE_SECONDS).contains(&age))
    }

    /// The page hears nothing any more, and what it knew is too old.
    pub(crate) fn has_lost_the_server(self) -> bool {
        self.line.get() == Line::Lost && self.is_stale()
    }

    /// `14:02:31 MST`: the server's time, as the site's clock shows it, whatever the browser's says.
    pub(crate) fn clock(self) -> String {
        let now = self.now.get();
        self.site.with(|site| {
            let s = now.unwrap_or(site.answered_ms) / 1000 + site.offset_s;
            format!("{:02}:{:02}:{:02} {}", s / 3600 % 24, s / 60 % 60, s % 60, site.zone)
        })
    }
}

/// Takes one piece of news; true when it says how this site stands now.
fn take(
    id: &SiteId,
    news: Live,
    site: RwSignal<SiteView>,
    events: RwSignal<Vec<EventView>>,
    waiting: RwSignal<Vec<Waiting>>,
    signed_out: RwSignal<bool>,
) -> bool {
    match news {
        Live::Site(new) if new.id == *id => {
            // What was seen in detail is not replaced by what everybody may see.
            let less = new.detail.is_none() && site.with_untracked(|known| known.detail.is_some());
            signed_out.set(less);
            if !less {
                site.set(*new);
            }
            !less
        }
        // Who comes and goes pushes nothing out of sight.
        Live::Event(event) if event.weight == "quiet" => false,
        Live::Event(event) if event.site.as_ref().is_none_or(|site| site == id) => {
            events.update(|all| {
                // Told before without the number that everybody knows: that one counts.
                all.retain(|known| known.id != event.id);
                let at = all.partition_point(|known| known.ms > event.ms);
                all.insert(at, event);
                all.truncate(KEPT);
            });
            false
        }
        Live::Request(request) if request.site == *id => {
            waiting.update(|all| {
                all.retain(|one| one.id != request.id);
                if request.open {
                    let RequestNews { id, priority, filed_ms, .. } = (*request).clone();
                    all.push(Waiting { id, priority, filed_ms });
                }
            });
            crate::queue::take(&request);
            false
        }
        Live::Gone(id) => {
            waiting.update(|all| all.retain(|one| one.id != id));
            crate::queue::forget(&id);
            false
        }
        Live::Site(_) | Live::Event(_) | Live::Request(_) | Live::Ticket(_) | Live::Beat => false,
    }
}
