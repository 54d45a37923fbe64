//! A site as an open page knows it: the last news, greyed out by itself when it grows old.

use crate::live::{Line, browser_now, listen};
use crate::view::{EventView, Live, SiteView};
use leptos::prelude::*;
use lockdown::ids::SiteId;
use lockdown::standing::Standing;
use std::time::Duration;

/// Entries a page keeps of the live timeline.
const KEPT: usize = 50;

/// Older than this, a reading says nothing any more. Design, section 3.
const STALE_SECONDS: i64 = 30;

#[derive(Clone, Copy)]
pub(crate) struct SiteLive {
    site: RwSignal<SiteView>,
    /// Seconds the reading is old by the server's clock; `None` until the browser runs.
    pub(crate) age: RwSignal<Option<i64>>,
    /// Seconds since the order.
    pub(crate) elapsed: RwSignal<Option<i64>>,
    pub(crate) events: RwSignal<Vec<EventView>>,
    pub(crate) line: ReadSignal<Line>,
    /// When the line was lost, by the browser's clock.
    pub(crate) lost_at: RwSignal<Option<String>>,
}

impl SiteLive {
    /// Begins with what came with the page and goes on with what the line brings.
    pub(crate) fn begin(first: SiteView, events: Vec<EventView>) -> Self {
        let id = first.id.clone();
        let site = RwSignal::new(first);
        let events = RwSignal::new(events);
        let after = events.with_untracked(|events| events.first().map_or(0, |event| event.seq));
        let arrived = RwSignal::new(0.0);
        let line = listen(format!("/ui/live?after={after}"), move |news| {
            arrived.set(browser_now());
            take(&id, news, site, events);
        });
        let (age, elapsed, lost_at) = (RwSignal::new(None), RwSignal::new(None), RwSignal::new(None));
        let live = Self { site, age, elapsed, events, line, lost_at };
        Effect::new(move || {
            arrived.set(browser_now());
            live.tick(arrived);
            if let Ok(ticking) = set_interval_with_handle(move || live.tick(arrived), Duration::from_secs(1)) {
                on_cleanup(move || ticking.clear());
            }
        });
        Effect::new(move || {
            lost_at.set((line.get() == Line::Lost).then(clock));
        });
        live
    }

    /// The server's clock now: what it said last, and the browser's time since.
    fn tick(self, arrived: RwSignal<f64>) {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the page was opened")]
        let since = (browser_now() - arrived.get_untracked()) as i64;
        self.site.with_untracked(|site| {
            let age = |ms: i64| (site.answered_ms + since - ms) / 1000;
            self.age.set(site.read.as_ref().map(|read| age(read.ms)));
            self.elapsed.set(Some(age(site.since.ms)));
        });
    }

    /// The site as it may be shown now: unknown once the reading is older than 30 s, whether or not
    /// the line still brings news.
    pub(crate) fn shown(self) -> SiteView {
        let mut site = self.site.get();
        if self.age.get().is_some_and(|age| age > STALE_SECONDS) {
            site.standing = Standing::Unknown;
        }
        site
    }
}

fn take(id: &SiteId, news: Live, site: RwSignal<SiteView>, events: RwSignal<Vec<EventView>>) {
    match news {
        Live::Site(new) if new.id == *id => site.set(*new),
        Live::Event(event) if event.site.as_ref().is_none_or(|site| site == id) => events.update(|all| {
            if all.iter().all(|known| known.seq != event.seq) {
                all.insert(0, event);
                all.truncate(KEPT);
            }
        }),
        Live::Site(_) | Live::Event(_) | Live::Beat => {}
    }
}

/// `14:02:31` by the browser's clock.
fn clock() -> String {
    let now = web_sys::js_sys::Date::new_0();
    format!("{:02}:{:02}:{:02}", now.get_hours(), now.get_minutes(), now.get_seconds())
}
