//! The S-boxes of DES as circuits of gates with three inputs each.
//!
//! They come from this project's own search, which uses only the tables. An output that is not a
//! function of any three existing values is split by one of the inputs into two functions of fewer
//! inputs, repeatedly, until it is one. The orders of inputs and outputs are random, and the
//! smallest circuit of many attempts was kept. The test beside [`super::bitslice`] compares each
//! with its table.

/// Defines `box_1` to `box_8`, from the six bits that an S-box sees to the four that it gives, the
/// highest first. `$gate::<TABLE>(a, b, c)` gives, for every bit of its arguments, the bit of
/// `TABLE` at `4a + 2b + c`.
macro_rules! circuits {
    ($gate:ident, $word:ty, $(#[$attribute:meta])*) => {
        $(#[$attribute])*
        fn box_1([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0xe7>(a, d, e);
            let g2 = $gate::<0x83>(a, d, e);
            let g3 = $gate::<0x8c>(f, g1, g2);
            let g4 = $gate::<0x96>(a, d, e);
            let g5 = $gate::<0x89>(e, f, g4);
            let g6 = $gate::<0xca>(c, g3, g5);
            let g7 = $gate::<0xde>(f, g2, g4);
            let g8 = $gate::<0x53>(e, g3, g7);
            let g9 = $gate::<0xac>(c, g7, g8);
            let g10 = $gate::<0xac>(b, g6, g9);
            let g11 = $gate::<0x64>(d, g5, g8);
            let g12 = $gate::<0xbc>(a, d, e);
            let g13 = $gate::<0xca>(f, g4, g12);
            let g14 = $gate::<0xca>(c, g11, g13);
            let g15 = $gate::<0x3e>(a, d, e);
            let g16 = $gate::<0xa9>(f, g4, g15);
            let g17 = $gate::<0x29>(g8, g11, g12);
            let g18 = $gate::<0xac>(c, g16, g17);
            let g19 = $gate::<0xca>(b, g14, g18);
            let g20 = $gate::<0x64>(f, g1, g17);
            let g21 = $gate::<0x92>(g1, g5, g8);
            let g22 = $gate::<0xac>(c, g20, g21);
            let g23 = $gate::<0x95>(d, g1, g5);
            let g24 = $gate::<0x46>(a, g12, g21);
            let g25 = $gate::<0xac>(c, g23, g24);
            let g26 = $gate::<0xac>(b, g22, g25);
            let g27 = $gate::<0x2a>(a, g7, g13);
            let g28 = $gate::<0x5e>(g5, g16, g20);
            let g29 = $gate::<0xac>(c, g27, g28);
            let g30 = $gate::<0x9d>(a, g17, g28);
            let g31 = $gate::<0x1d>(g1, g17, g27);
            let g32 = $gate::<0xca>(c, g30, g31);
            let g33 = $gate::<0xac>(b, g29, g32);
            [g26, g19, g10, g33]
        }

        $(#[$attribute])*
        fn box_2([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0x1a>(a, e, f);
            let g2 = $gate::<0xe6>(a, e, f);
            let g3 = $gate::<0xac>(b, g1, g2);
            let g4 = $gate::<0x96>(a, e, f);
            let g5 = $gate::<0x3a>(b, g2, g4);
            let g6 = $gate::<0xca>(d, g3, g5);
            let g7 = $gate::<0xa5>(a, b, g2);
            let g8 = $gate::<0x63>(a, e, f);
            let g9 = $gate::<0xac>(b, g7, g8);
            let g10 = $gate::<0x96>(g5, g6, g9);
            let g11 = $gate::<0xca>(c, g6, g10);
            let g12 = $gate::<0x64>(g3, g4, g9);
            let g13 = $gate::<0x99>(a, b, g4);
            let g14 = $gate::<0xca>(d, g12, g13);
            let g15 = $gate::<0xa1>(f, g3, g4);
            let g16 = $gate::<0x56>(b, f, g4);
            let g17 = $gate::<0xac>(d, g15, g16);
            let g18 = $gate::<0xac>(c, g14, g17);
            let g19 = $gate::<0xd8>(a, e, f);
            let g20 = $gate::<0x4a>(b, g2, g19);
            let g21 = $gate::<0x95>(g1, g13, g19);
            let g22 = $gate::<0xca>(d, g20, g21);
            let g23 = $gate::<0x79>(f, g3, g9);
            let g24 = $gate::<0x96>(g21, g22, g23);
            let g25 = $gate::<0xac>(c, g22, g24);
            let g26 = $gate::<0x4b>(b, g8, g21);
            let g27 = $gate::<0x9a>(a, g1, g13);
            let g28 = $gate::<0xac>(d, g26, g27);
            let g29 = $gate::<0x16>(g1, g19, g27);
            let g30 = $gate::<0xba>(a, g4, g16);
            let g31 = $gate::<0xac>(d, g29, g30);
            let g32 = $gate::<0xca>(c, g28, g31);
            [g11, g18, g32, g25]
        }

        $(#[$attribute])*
        fn box_3([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0x96>(b, c, f);
            let g2 = $gate::<0x96>(b, d, f);
            let g3 = $gate::<0xca>(e, g1, g2);
            let g4 = $gate::<0x96>(b, c, d);
            let g5 = $gate::<0x7c>(b, c, d);
            let g6 = $gate::<0xac>(f, g4, g5);
            let g7 = $gate::<0x95>(b, g1, g6);
            let g8 = $gate::<0xca>(e, g6, g7);
            let g9 = $gate::<0xac>(a, g3, g8);
            let g10 = $gate::<0x71>(g1, g4, g7);
            let g11 = $gate::<0xe1>(g2, g6, g7);
            let g12 = $gate::<0xac>(e, g10, g11);
            let g13 = $gate::<0x35>(b, g1, g10);
            let g14 = $gate::<0x4b>(g2, g4, g6);
            let g15 = $gate::<0xac>(e, g13, g14);
            let g16 = $gate::<0xac>(a, g12, g15);
            let g17 = $gate::<0x65>(b, c, g2);
            let g18 = $gate::<0x17>(d, g7, g17);
            let g19 = $gate::<0xac>(e, g17, g18);
            let g20 = $gate::<0x7a>(b, c, d);
            let g21 = $gate::<0x8e>(g5, g6, g20);
            let g22 = $gate::<0x53>(d, g4, g17);
            let g23 = $gate::<0xca>(e, g21, g22);
            let g24 = $gate::<0xca>(a, g19, g23);
            let g25 = $gate::<0x79>(c, g17, g22);
            let g26 = $gate::<0xd1>(g10, g17, g25);
            let g27 = $gate::<0xac>(e, g25, g26);
            let g28 = $gate::<0x68>(b, c, g11);
            let g29 = $gate::<0x39>(b, g1, g18);
            let g30 = $gate::<0xac>(e, g28, g29);
            let g31 = $gate::<0xac>(a, g27, g30);
            [g24, g16, g31, g9]
        }

        $(#[$attribute])*
        fn box_4([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0xa6>(b, c, d);
            let g2 = $gate::<0x5c>(b, c, d);
            let g3 = $gate::<0xac>(e, g1, g2);
            let g4 = $gate::<0xe3>(b, c, d);
            let g5 = $gate::<0x85>(b, c, d);
            let g6 = $gate::<0xca>(e, g4, g5);
            let g7 = $gate::<0xac>(a, g3, g6);
            let g8 = $gate::<0x65>(b, c, d);
            let g9 = $gate::<0xa6>(e, g2, g8);
            let g10 = $gate::<0x79>(e, g6, g9);
            let g11 = $gate::<0xca>(a, g9, g10);
            let g12 = $gate::<0xca>(f, g7, g11);
            let g13 = $gate::<0xa6>(b, g1, g6);
            let g14 = $gate::<0x99>(a, b, g1);
            let g15 = $gate::<0xac>(e, g2, g14);
            let g16 = $gate::<0xac>(a, g13, g15);
            let g17 = $gate::<0x99>(a, b, g8);
            let g18 = $gate::<0x9a>(e, g2, g17);
            let g19 = $gate::<0x6d>(e, g13, g18);
            let g20 = $gate::<0xac>(a, g18, g19);
            let g21 = $gate::<0xca>(f, g16, g20);
            let g22 = $gate::<0xa3>(f, g7, g11);
            let g23 = $gate::<0x5c>(f, g16, g20);
            [g21, g23, g12, g22]
        }

        $(#[$attribute])*
        fn box_5([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0x1e>(a, c, f);
            let g2 = $gate::<0x76>(a, c, f);
            let g3 = $gate::<0xac>(b, g1, g2);
            let g4 = $gate::<0x69>(a, c, f);
            let g5 = $gate::<0x66>(a, b, g4);
            let g6 = $gate::<0xac>(d, g3, g5);
            let g7 = $gate::<0x92>(f, g3, g4);
            let g8 = $gate::<0x65>(a, c, g5);
            let g9 = $gate::<0xac>(d, g7, g8);
            let g10 = $gate::<0xac>(e, g6, g9);
            let g11 = $gate::<0xad>(g1, g2, g8);
            let g12 = $gate::<0xc6>(a, c, f);
            let g13 = $gate::<0x3a>(b, g11, g12);
            let g14 = $gate::<0xac>(d, g11, g13);
            let g15 = $gate::<0x8d>(b, g3, g4);
            let g16 = $gate::<0x53>(f, g5, g15);
            let g17 = $gate::<0xac>(d, g15, g16);
            let g18 = $gate::<0xac>(e, g14, g17);
            let g19 = $gate::<0x4a>(a, c, f);
            let g20 = $gate::<0x9a>(b, c, g19);
            let g21 = $gate::<0x17>(g11, g13, g19);
            let g22 = $gate::<0xac>(d, g20, g21);
            let g23 = $gate::<0xa4>(a, c, f);
            let g24 = $gate::<0xca>(b, g1, g23);
            let g25 = $gate::<0x94>(c, g16, g23);
            let g26 = $gate::<0xac>(d, g24, g25);
            let g27 = $gate::<0xca>(e, g22, g26);
            let g28 = $gate::<0x4e>(b, g11, g12);
            let g29 = $gate::<0xb4>(g2, g8, g19);
            let g30 = $gate::<0xac>(d, g28, g29);
            let g31 = $gate::<0x96>(c, g7, g11);
            let g32 = $gate::<0x2e>(a, c, g24);
            let g33 = $gate::<0xac>(d, g31, g32);
            let g34 = $gate::<0xca>(e, g30, g33);
            [g34, g10, g18, g27]
        }

        $(#[$attribute])*
        fn box_6([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0xad>(a, b, d);
            let g2 = $gate::<0x5a>(a, b, d);
            let g3 = $gate::<0xca>(f, g1, g2);
            let g4 = $gate::<0xb2>(a, b, d);
            let g5 = $gate::<0xa3>(f, g2, g4);
            let g6 = $gate::<0xca>(e, g3, g5);
            let g7 = $gate::<0x96>(b, f, g2);
            let g8 = $gate::<0x26>(f, g5, g7);
            let g9 = $gate::<0xca>(e, g7, g8);
            let g10 = $gate::<0xca>(c, g6, g9);
            let g11 = $gate::<0x27>(a, b, d);
            let g12 = $gate::<0x6a>(f, g4, g11);
            let g13 = $gate::<0x94>(a, g1, g12);
            let g14 = $gate::<0xca>(e, g12, g13);
            let g15 = $gate::<0x35>(a, g7, g8);
            let g16 = $gate::<0x69>(f, g3, g15);
            let g17 = $gate::<0xca>(e, g15, g16);
            let g18 = $gate::<0xac>(c, g14, g17);
            let g19 = $gate::<0x68>(f, g4, g7);
            let g20 = $gate::<0x7c>(g3, g13, g19);
            let g21 = $gate::<0xca>(e, g19, g20);
            let g22 = $gate::<0x4c>(f, g1, g19);
            let g23 = $gate::<0xac>(e, g7, g22);
            let g24 = $gate::<0xac>(c, g21, g23);
            let g25 = $gate::<0x95>(b, d, g7);
            let g26 = $gate::<0xd7>(a, g11, g25);
            let g27 = $gate::<0xac>(e, g25, g26);
            let g28 = $gate::<0x4d>(g3, g20, g25);
            let g29 = $gate::<0x49>(g8, g16, g25);
            let g30 = $gate::<0xac>(e, g28, g29);
            let g31 = $gate::<0xac>(c, g27, g30);
            [g10, g31, g24, g18]
        }

        $(#[$attribute])*
        fn box_7([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0x69>(d, e, f);
            let g2 = $gate::<0xa6>(d, e, f);
            let g3 = $gate::<0xca>(c, g1, g2);
            let g4 = $gate::<0x4d>(c, g1, g2);
            let g5 = $gate::<0xac>(b, g3, g4);
            let g6 = $gate::<0x3d>(c, g1, g2);
            let g7 = $gate::<0x65>(f, g3, g4);
            let g8 = $gate::<0xac>(b, g6, g7);
            let g9 = $gate::<0xac>(a, g5, g8);
            let g10 = $gate::<0x1a>(d, e, f);
            let g11 = $gate::<0xf4>(d, e, f);
            let g12 = $gate::<0xac>(c, g10, g11);
            let g13 = $gate::<0x69>(c, e, g2);
            let g14 = $gate::<0xac>(b, g12, g13);
            let g15 = $gate::<0x81>(d, e, f);
            let g16 = $gate::<0xac>(c, g11, g15);
            let g17 = $gate::<0x47>(g3, g10, g16);
            let g18 = $gate::<0xac>(b, g16, g17);
            let g19 = $gate::<0xca>(a, g14, g18);
            let g20 = $gate::<0xe4>(d, g1, g13);
            let g21 = $gate::<0xc2>(e, g16, g17);
            let g22 = $gate::<0xac>(b, g20, g21);
            let g23 = $gate::<0x36>(f, g6, g21);
            let g24 = $gate::<0x5c>(d, g3, g23);
            let g25 = $gate::<0xca>(b, g23, g24);
            let g26 = $gate::<0xca>(a, g22, g25);
            let g27 = $gate::<0xb1>(e, g1, g7);
            let g28 = $gate::<0xac>(b, g24, g27);
            let g29 = $gate::<0x83>(d, e, g20);
            let g30 = $gate::<0xb9>(e, g12, g21);
            let g31 = $gate::<0xac>(b, g29, g30);
            let g32 = $gate::<0xca>(a, g28, g31);
            [g26, g32, g19, g9]
        }

        $(#[$attribute])*
        fn box_8([a, b, c, d, e, f]: [$word; 6]) -> [$word; 4] {
            let g1 = $gate::<0xcb>(b, c, d);
            let g2 = $gate::<0xc5>(b, c, d);
            let g3 = $gate::<0xca>(a, g1, g2);
            let g4 = $gate::<0xa6>(b, c, d);
            let g5 = $gate::<0x3a>(a, g1, g4);
            let g6 = $gate::<0xac>(e, g3, g5);
            let g7 = $gate::<0x96>(b, c, d);
            let g8 = $gate::<0xa3>(a, g2, g7);
            let g9 = $gate::<0x66>(a, b, d);
            let g10 = $gate::<0xa3>(a, g4, g9);
            let g11 = $gate::<0xac>(e, g8, g10);
            let g12 = $gate::<0xac>(f, g6, g11);
            let g13 = $gate::<0x96>(a, g2, g4);
            let g14 = $gate::<0x3a>(a, g2, g7);
            let g15 = $gate::<0xca>(e, g13, g14);
            let g16 = $gate::<0x53>(a, g1, g9);
            let g17 = $gate::<0x5b>(b, g3, g13);
            let g18 = $gate::<0xca>(e, g16, g17);
            let g19 = $gate::<0xca>(f, g15, g18);
            let g20 = $gate::<0x64>(g3, g13, g14);
            let g21 = $gate::<0x65>(g9, g14, g17);
            let g22 = $gate::<0xca>(e, g20, g21);
            let g23 = $gate::<0x35>(a, g4, g9);
            let g24 = $gate::<0x56>(a, d, g7);
            let g25 = $gate::<0xca>(e, g23, g24);
            let g26 = $gate::<0xca>(f, g22, g25);
            let g27 = $gate::<0x86>(g4, g14, g17);
            let g28 = $gate::<0xa6>(a, b, g3);
            let g29 = $gate::<0xac>(e, g27, g28);
            let g30 = $gate::<0xa3>(f, g15, g29);
            [g19, g12, g26, g30]
        }
    };
}

pub(super) use circuits;
