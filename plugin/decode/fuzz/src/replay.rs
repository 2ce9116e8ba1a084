//! Replays the seeds of a package of fuzz targets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Check;

/// Makes a test for each of the targets, so that a failure names its target, and one that all targets are replayed.
#[macro_export]
macro_rules! replay_targets {
    ($targets:expr, [$($target:ident),* $(,)?]) => {
        $(
            #[test]
            fn $target() {
                $crate::replay::replay(env!("CARGO_MANIFEST_DIR").as_ref(), $targets, stringify!($target));
            }
        )*

        #[test]
        fn every_target_has_an_entry_for_libfuzzer_and_seeds_and_is_replayed() {
            let replayed = [$(stringify!($target)),*];
            $crate::replay::assert_complete(env!("CARGO_MANIFEST_DIR").as_ref(), $targets, &replayed);
        }
    };
}

/// Calls the check of a target for each of its seeds in the package of this folder.
///
/// # Panics
///
/// If a check panics, or there is no such target or no seed.
pub fn replay(package: &Path, targets: &[(&str, Check)], target: &str) {
    let (_, check) = targets.iter().find(|(name, _)| *name == target).expect("a target of this name");
    for seed in seeds(package, target) {
        // The output is shown if the check panics: the last line names the seed.
        println!("{}", seed.display());
        check(&fs::read(seed).expect("a readable seed"));
    }
}

/// Returns the files of a target's seeds, in order.
///
/// # Panics
///
/// If there is none.
pub fn seeds(package: &Path, target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(package.join("seeds").join(target)).expect("a folder of seeds");
    let mut seeds: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

/// Checks that each target has an entry for libFuzzer and a folder of seeds, and that it is replayed; and that nothing
/// else has.
///
/// # Panics
///
/// If that is not so.
pub fn assert_complete(package: &Path, targets: &[(&str, Check)], replayed: &[&str]) {
    let targets: BTreeSet<_> = targets.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in(&package.join("fuzz_targets")), targets);
    assert_eq!(names_in(&package.join("seeds")), targets);
    assert_eq!(replayed.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
}

/// Returns the names of a folder's entries, up to the first dot.
fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect()
}
