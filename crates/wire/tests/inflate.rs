//! Compressed bodies: each encoding leads back, ends within its limit, and is never half read.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use std::io::Write;

use proptest::prelude::*;
use span::Encoding;
use wire::{DecodeError, Inflater, compress, inflate};

/// Text that compresses about as well as traces do.
fn sample() -> Vec<u8> {
    (0..4_000)
        .flat_map(|i: u32| format!("GET /cart/{} {}\n", i % 97, i.wrapping_mul(2_654_435_761)).into_bytes())
        .collect()
}

fn raw_deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_encoding_leads_back() {
    let mut inflater = Inflater::default();
    for body in [vec![], b"x".to_vec(), sample()] {
        for encoding in Encoding::ALL {
            let small = compress(encoding, &body);
            assert_eq!(inflater.inflate(encoding, &small, body.len()).unwrap(), body, "{encoding:?}");
        }
        assert_eq!(inflater.inflate(Encoding::Deflate, &raw_deflate(&body), body.len()).unwrap(), body);
        let block = snap::raw::Encoder::new().compress_vec(&body).unwrap();
        assert_eq!(inflater.inflate(Encoding::Snappy, &block, body.len()).unwrap(), body);
    }
}

#[test]
fn several_streams_in_a_row_are_one_body() {
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Lz4] {
        let two = [compress(encoding, b"one "), compress(encoding, b"two")].concat();
        assert_eq!(inflate(encoding, &two, 100).unwrap(), b"one two", "{encoding:?}");
    }
}

#[test]
fn one_byte_beyond_the_limit_is_refused() {
    let body = sample();
    for encoding in Encoding::ALL {
        let refused = inflate(encoding, &compress(encoding, &body), body.len() - 1).unwrap_err();
        assert_eq!(refused, DecodeError::TooLarge { bytes_max: body.len() - 1 }, "{encoding:?}");
    }
    let block = snap::raw::Encoder::new().compress_vec(&body).unwrap();
    assert!(matches!(inflate(Encoding::Snappy, &block, 10), Err(DecodeError::TooLarge { .. })));
    let refused = inflate(Encoding::Deflate, &raw_deflate(&body), 10);
    assert!(matches!(refused, Err(DecodeError::TooLarge { .. })));
}

#[test]
fn bombs_are_refused_at_the_limit() {
    let zeros = vec![0; 32 << 20];
    for encoding in Encoding::ALL {
        let refused = inflate(encoding, &compress(encoding, &zeros), 1 << 20).unwrap_err();
        assert_eq!(refused, DecodeError::TooLarge { bytes_max: 1 << 20 }, "{encoding:?}");
    }
}

#[test]
fn half_a_body_never_passes_for_a_whole_one() {
    let body = sample();
    let halves = Encoding::ALL.iter().skip(1).map(|encoding| (*encoding, compress(*encoding, &body)));
    for (encoding, whole) in halves.chain([(Encoding::Deflate, raw_deflate(&body))]) {
        for cut in [1, 2, 5, 12, whole.len() / 2, whole.len() - 1] {
            match inflate(encoding, &whole[..cut], body.len()) {
                Err(DecodeError::Compression { encoding: name, .. }) => assert_eq!(name, encoding.name()),
                other => panic!("{encoding:?} cut at {cut}: {:?} bytes", other.map(|out| out.len())),
            }
        }
    }
}

#[test]
fn lengths_that_nothing_backs_are_not_believed() {
    // A snappy block and a zstd frame that claim 60 MB each.
    let block = [0x80, 0x9c, 0xce, 0x1c, 0x00, b'a'];
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0x00, 0x87, 0x93, 0x03, 0x01, 0x00, 0x00];
    for (encoding, claim) in [(Encoding::Snappy, &block[..]), (Encoding::Zstd, &frame)] {
        let refused = inflate(encoding, claim, 64 << 20).unwrap_err();
        assert!(matches!(refused, DecodeError::Compression { .. }), "{refused}");
    }
}

#[test]
fn windows_beyond_eight_mebibytes_are_refused() {
    let with_window = |log: u32| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(log).unwrap();
        encoder.write_all(&sample()).unwrap();
        inflate(Encoding::Zstd, &encoder.finish().unwrap(), 1 << 20)
    };
    assert_eq!(with_window(23).unwrap(), sample());
    assert!(matches!(with_window(24), Err(DecodeError::Compression { .. })));
}

#[test]
fn a_broken_body_does_not_spoil_the_next_one() {
    let mut inflater = Inflater::default();
    for encoding in Encoding::ALL.into_iter().skip(1) {
        let whole = compress(encoding, &sample());
        assert!(inflater.inflate(encoding, &whole[..whole.len() / 2], 1 << 20).is_err());
        assert_eq!(inflater.inflate(encoding, &whole, 1 << 20).unwrap(), sample(), "{encoding:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_it(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        for encoding in Encoding::ALL {
            let _ = inflate(encoding, &body, 1 << 16);
            let mut flipped = compress(encoding, &body);
            if let Some(byte) = flipped.get_mut(body.len() / 2) {
                *byte ^= 0x10;
            }
            let _ = inflate(encoding, &flipped, 1 << 16);
        }
    }
}
