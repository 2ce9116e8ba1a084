//! Recorded traffic of real providers, where it lies on this machine.

use std::path::PathBuf;
use std::rc::Rc;

use host_test::case::Case;
use host_test::native;
use llm_gauge_engine::policy::Policy;

#[test]
fn native_reads_every_recording() {
    let root = PathBuf::from(std::env::var("LLM_GAUGE_CORPUS").unwrap());
    let folders = std::env::var("FOLDERS").unwrap();
    let paths: Vec<_> = folders.split(',').map(|folder| root.join(folder)).collect();
    let policy = Rc::new(Policy::parse(b"{}").unwrap());
    let mut failed = 0;
    let cases = Case::find(&paths).unwrap();
    for case in &cases {
        let record = match native::record(&policy, case, std::iter::once(case.response_body.as_slice())) {
            Ok(r) => r,
            Err(e) => {
                println!("{e}");
                failed += 1;
                continue;
            }
        };
        let fields = native::fields(&record);
        let differences = case.differences(&fields);
        if !differences.is_empty() {
            failed += 1;
            println!("{}/{} gaps {:?}", case.folder, case.name, record.gaps);
            for (field, expected, actual) in differences {
                println!("    {field}: expected {expected}, got {actual}");
            }
        }
    }
    println!("{failed} of {} failed", cases.len());
    assert_eq!(failed, 0);
}
