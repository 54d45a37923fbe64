//! What the guides tell people to type can be typed, and leads where they say.

use crate::sign_in::signed_in;
use crate::world::{DEMO, World, package, program};
use std::path::PathBuf;

const DRILL_SITE: &str = include_str!("../../../end2end/drill-site.toml");

fn root() -> PathBuf {
    package().parent().unwrap().to_owned()
}

fn guides() -> Vec<(PathBuf, String)> {
    let folder = root().join("deploy/guide");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|kind| kind == "md"));
    all.sort();
    all.extend(["README.md", "deploy/README.md", "server/README.md"].map(|name| root().join(name)));
    all.into_iter().map(|path| (path.clone(), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Lines of our program in blocks marked `sh`.
fn commands(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("pstn-lockdown "));
    lines.map(str::to_owned).collect()
}

/// As a shell takes them apart; the guides use double quotes alone.
fn words(command: &str) -> Vec<String> {
    let pieces = command.split('"').enumerate();
    pieces
        .flat_map(|(n, piece)| match n % 2 {
            0 => piece.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![piece.to_owned()],
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guides_works_in_their_order() {
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let folder = world.config().parent().unwrap().to_owned();
    std::fs::write(folder.join("lockdown.key"), world.everything()).unwrap();
    let mut tried = 0;
    for (path, text) in guides() {
        for command in commands(&text) {
            let output = program().args(words(&command)).current_dir(&folder).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{}: pstn-lockdown {command}: {said}", path.display());
            tried += 1;
        }
    }
    assert!(tried >= 10, "{tried} commands");
    world.calls_are_normal();
}

/// Those that stand in a sentence, but for what the reader fills in.
fn named(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2).filter_map(|span| span.strip_prefix("pstn-lockdown "));
    let whole = spans.filter(|span| !span.contains(['<', '…', '{', '|', '\n']));
    whole.map(str::to_owned).collect()
}

#[test]
fn every_command_that_a_guide_names_is_there_with_its_flags() {
    let mut named_ones: Vec<(PathBuf, String)> = Vec::new();
    for (path, text) in guides() {
        named_ones.extend(named(&text.replace("```", "")).into_iter().map(|command| (path.clone(), command)));
    }
    for (path, command) in &named_ones {
        // What comes before is taken apart first: a word or a flag that is not there ends with an error.
        let output = program().args(words(command)).arg("--help").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: pstn-lockdown {command}: {said}", path.display());
    }
    assert!(named_ones.len() >= 8, "{} commands", named_ones.len());
    let wrong = program().args(["plan", "check", "--no-such-flag", "--help"]).output().unwrap();
    assert!(!wrong.status.success(), "or nothing was proved");
}

#[test]
fn every_part_of_the_runbook_that_is_named_somewhere_is_there() {
    let runbook = std::fs::read_to_string(root().join("deploy/guide/runbook.md")).unwrap();
    let mut named = 0;
    for file in ["deploy/prometheus/alerts.yml", "server/src/services/readiness/mod.rs"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for part in text.split("Runbook, “").skip(1).map(|rest| rest.split('”').next().unwrap()) {
            assert!(runbook.contains(&format!("## {part}\n")), "{file} names “{part}”");
            named += 1;
        }
    }
    assert!(named > 4, "{named} parts");
    let alerts = std::fs::read_to_string(root().join("deploy/prometheus/alerts.yml")).unwrap();
    for alert in runbook.split("`Lockdown").skip(1).map(|rest| rest.split('`').next().unwrap()) {
        assert!(alerts.contains(&format!("alert: Lockdown{alert}\n")), "Lockdown{alert}");
    }
}

/// `promtool` runs them where it is there (`cargo xtask test alerts`); that none is forgotten needs no tool.
#[test]
fn every_alert_has_a_rule_test_in_which_it_is_raised_and_one_in_which_it_is_not() {
    let read = |file: &str| std::fs::read_to_string(root().join("deploy/prometheus").join(file)).unwrap();
    let alerts = read("alerts.yml");
    let tests = read("alerts_test.yml");
    let names: Vec<&str> = alerts.split("- alert: ").skip(1).map(|rest| rest.lines().next().unwrap()).collect();
    assert!(names.len() > 10, "{names:?}");
    let told = |name: &&str| tests.contains(&format!("alertname: {name}\n        exp_alerts:\n"));
    let silent = |name: &&str| tests.contains(&format!("alertname: {name} }}\n"));
    let forgotten: Vec<&&str> = names.iter().filter(|name| !told(name) || !silent(name)).collect();
    assert!(forgotten.is_empty(), "deploy/prometheus/alerts_test.yml does not try {forgotten:?}");
}

#[tokio::test]
async fn the_card_says_what_this_site_has_and_nothing_else() {
    let world = World::new().await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let card = eoc.get("/card").await.text().await.unwrap();
    assert!(card.contains("Acme North") && card.contains("A lock never touches 911, 9911, 933, 988, 112"), "{card}");
    assert!(card.contains("/console") && !card.contains("Webex") && !card.contains("Services, PSTN"), "{card}");
}
