use crate::Crc32;

fn crc(bytes: impl IntoIterator<Item = u8>) -> u32 {
    let mut crc = Crc32::default();
    crc.update(&bytes.into_iter().collect::<Vec<_>>());
    crc.value()
}

/// Checks the checksums that RFC 7932 gives for its tables, in section 7.1 and appendices A and B.
#[test]
fn tables_have_the_checksums_of_rfc_7932() {
    let bytes = || 0..=255u8;
    assert_eq!(crc(bytes().map(super::commands::utf8_last)), 0x8E91_EFB7);
    assert_eq!(crc(bytes().map(super::commands::utf8_before)), 0xD01A_32F4);
    assert_eq!(crc(bytes().map(super::commands::magnitude)), 0x0DD7_A0D6);
    assert_eq!(crc(super::words::dictionary().unwrap().iter().copied()), 0x5136_CB04);
    assert_eq!(crc(super::words::transforms()), 0x3D96_5F81);
}
