#include "textflag.h"

// A byte is not plain if it is a quote, a backslash, or, as a signed number, below
// the space: control characters, and all beyond ASCII, which are negative.
DATA constants<>+0(SB)/4, $0x20202020
DATA constants<>+4(SB)/4, $0x22222222
DATA constants<>+8(SB)/4, $0x5c5c5c5c
GLOBL constants<>(SB), RODATA|NOPTR, $12

// func skipAVX2(p *byte, n int) (read, wrote int)
TEXT ·skipAVX2(SB), NOSPLIT, $0-32
	MOVQ         p+0(FP), SI
	MOVQ         n+8(FP), CX
	VPBROADCASTD constants<>+0(SB), Y5
	VPBROADCASTD constants<>+4(SB), Y6
	VPBROADCASTD constants<>+8(SB), Y7
	LEAQ         ·ShortEscapes(SB), R9
	XORL         AX, AX                // the escapes
	LEAQ         -33(SI)(CX*1), CX     // the last at which 33 bytes are left

block:
	CMPQ      SI, CX
	JHI       done
	VMOVDQU   (SI), Y0
	VPCMPGTB  Y0, Y5, Y1
	VPCMPEQB  Y0, Y6, Y2
	VPCMPEQB  Y0, Y7, Y3
	VPOR      Y1, Y2, Y1
	VPOR      Y1, Y3, Y1
	VPMOVMSKB Y1, DX
	TESTL     DX, DX
	JNE       found
	ADDQ      $32, SI
	JMP       block

found:
	BSFL    DX, DX
	ADDQ    DX, SI
	CMPB    (SI), $0x5c
	JNE     done
	MOVBLZX 1(SI), R8
	CMPB    (R9)(R8*1), $0
	JEQ     done
	ADDQ    $2, SI
	INCQ    AX
	JMP     block

done:
	VZEROUPPER
	SUBQ p+0(FP), SI
	MOVQ SI, read+16(FP)
	SUBQ AX, SI
	MOVQ SI, wrote+24(FP)
	RET

// func copyAVX2(dst *byte, room int, src *byte, n int) (wrote, read int)
TEXT ·copyAVX2(SB), NOSPLIT, $0-48
	MOVQ         dst+0(FP), DI
	MOVQ         room+8(FP), R10
	MOVQ         src+16(FP), SI
	MOVQ         n+24(FP), CX
	VPBROADCASTD constants<>+0(SB), Y5
	VPBROADCASTD constants<>+4(SB), Y6
	VPBROADCASTD constants<>+8(SB), Y7
	LEAQ         ·ShortEscapes(SB), R9
	MOVQ         DI, R11               // where dst began
	MOVQ         SI, R12               // where src began
	LEAQ         -32(DI)(R10*1), R10   // the last of dst at which there is room for 32 bytes
	LEAQ         -33(SI)(CX*1), CX     // the last of src at which 33 are left

block:
	CMPQ      SI, CX
	JHI       done
	CMPQ      DI, R10
	JHI       done
	VMOVDQU   (SI), Y0
	VMOVDQU   Y0, (DI)
	VPCMPGTB  Y0, Y5, Y1
	VPCMPEQB  Y0, Y6, Y2
	VPCMPEQB  Y0, Y7, Y3
	VPOR      Y1, Y2, Y1
	VPOR      Y1, Y3, Y1
	VPMOVMSKB Y1, DX
	TESTL     DX, DX
	JNE       found
	ADDQ      $32, SI
	ADDQ      $32, DI
	JMP       block

found:
	BSFL    DX, DX
	ADDQ    DX, SI
	ADDQ    DX, DI
	CMPB    (SI), $0x5c
	JNE     done
	MOVBLZX 1(SI), R8
	MOVBLZX (R9)(R8*1), R8
	TESTB   R8, R8
	JEQ     done
	MOVB    R8, (DI)
	ADDQ    $2, SI
	INCQ    DI
	JMP     block

done:
	VZEROUPPER
	SUBQ R11, DI
	SUBQ R12, SI
	MOVQ DI, wrote+32(FP)
	MOVQ SI, read+40(FP)
	RET

// The table of bytes of UTF-8 that must not follow each other, by the halves of the
// first and the high half of the second (J. Keiser and D. Lemire, Validating UTF-8 in
// less than one instruction per byte, https://arxiv.org/abs/2010.03090, section 6.1).
// A bit says: 0 too short, 1 too long, 2 overlong of 3 bytes, 3 too large, 4 a
// surrogate, 5 overlong of 2 bytes, 6 too large or overlong of 4 bytes, 7 two
// continuations.
DATA firstHigh<>+0(SB)/8, $0x0202020202020202
DATA firstHigh<>+8(SB)/8, $0x4915012180808080
GLOBL firstHigh<>(SB), RODATA|NOPTR, $16
DATA firstLow<>+0(SB)/8, $0xcbcbcb8b8383a3e7
DATA firstLow<>+8(SB)/8, $0xcbcbdbcbcbcbcbcb
GLOBL firstLow<>(SB), RODATA|NOPTR, $16
DATA secondHigh<>+0(SB)/8, $0x0101010101010101
DATA secondHigh<>+8(SB)/8, $0x01010101babaaee6
GLOBL secondHigh<>(SB), RODATA|NOPTR, $16

DATA bytes<>+0(SB)/4, $0x0f0f0f0f // the low half
DATA bytes<>+4(SB)/4, $0x60606060 // what, taken from a byte, leaves the high bit to those that begin 3 bytes
DATA bytes<>+8(SB)/4, $0x70707070 // the same for 4
DATA bytes<>+12(SB)/4, $0x80808080
GLOBL bytes<>(SB), RODATA|NOPTR, $16

#define CONSTANTS \
	VPBROADCASTD    constants<>+0(SB), Z18 \ // space
	VPBROADCASTD    constants<>+4(SB), Z16 \ // quote
	VPBROADCASTD    constants<>+8(SB), Z17 \ // backslash
	VMOVDQU8        ·ShortEscapes+0(SB), Z19 \
	VMOVDQU8        ·ShortEscapes+64(SB), Z20 \
	VBROADCASTI32X4 firstHigh<>(SB), Z21 \
	VBROADCASTI32X4 firstLow<>(SB), Z22 \
	VBROADCASTI32X4 secondHigh<>(SB), Z23 \
	VPBROADCASTD    bytes<>+0(SB), Z24 \
	VPBROADCASTD    bytes<>+4(SB), Z25 \
	VPBROADCASTD    bytes<>+8(SB), Z26 \
	VPBROADCASTD    bytes<>+12(SB), Z27 \
	MOVQ            $0xaaaaaaaaaaaaaaaa, R12

// LOOK reads 64 bytes at SI into Z0 and leaves
//
//	Z1  what each byte stands for behind a backslash, or 0
//	R8  the backslashes that begin an escape
//	DX  what is behind one
//	CX  where to stop: at a quote, a control character, an escape that is no short
//	    one, and at bytes that are no UTF-8 behind those before them
//
// Which backslashes begin an escape: those at even places of a run. Adding to a run
// of ones carries to its end, from odd places as from even ones after the odd bits
// were flipped (simdjson, https://arxiv.org/abs/1902.08318, section 3.1.1, as its
// release 3 does it). The block is cut short where an escape would cross its end.
#define LOOK \
	VMOVDQU8   (SI), Z0 \
	VPCMPEQB   Z16, Z0, K1 \
	VPCMPEQB   Z17, Z0, K2 \
	VPCMPUB    $1, Z18, Z0, K3 \
	VMOVDQA64  Z0, Z1 \
	VPERMI2B   Z20, Z19, Z1 \
	VPTESTNMB  Z1, Z1, K4 \
	VPMOVB2M   Z0, K5 \
	KORQ       K4, K5, K4 \
	VMOVDQU8   -1(SI), Z2 \
	VMOVDQU8   -2(SI), Z3 \
	VMOVDQU8   -3(SI), Z4 \
	VPSRLW     $4, Z2, Z5 \
	VPANDQ     Z24, Z5, Z5 \
	VPSHUFB    Z5, Z21, Z5 \
	VPANDQ     Z24, Z2, Z6 \
	VPSHUFB    Z6, Z22, Z6 \
	VPSRLW     $4, Z0, Z7 \
	VPANDQ     Z24, Z7, Z7 \
	VPSHUFB    Z7, Z23, Z7 \
	VPANDQ     Z5, Z6, Z5 \
	VPANDQ     Z5, Z7, Z5 \
	VPSUBUSB   Z25, Z3, Z3 \
	VPSUBUSB   Z26, Z4, Z4 \
	VPORQ      Z3, Z4, Z3 \
	VPANDQ     Z27, Z3, Z3 \
	VPXORQ     Z5, Z3, Z3 \
	VPTESTMB   Z3, Z3, K6 \
	KORQ       K6, K3, K3 \
	KMOVQ      K2, BX \
	LEAQ       (BX)(BX*1), DX \
	ORQ        R12, DX \
	SUBQ       BX, DX \
	XORQ       R12, DX \
	MOVQ       DX, R8 \
	ANDQ       BX, R8 \
	XORQ       BX, DX \
	KMOVQ      K1, AX \
	MOVQ       DX, R9 \
	NOTQ       R9 \
	ANDQ       R9, AX \
	KMOVQ      K4, R9 \
	ANDQ       DX, R9 \
	SHRQ       $1, R9 \
	KMOVQ      K3, CX \
	ORQ        AX, CX \
	ORQ        R9, CX

// func skipAVX512(p *byte, n int) (read, wrote int)
TEXT ·skipAVX512(SB), NOSPLIT, $0-32
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), R10
	LEAQ -64(SI)(R10*1), R10 // the last at which 64 bytes are left
	XORL DI, DI
	CONSTANTS

block:
	CMPQ SI, R10
	JHI  done
	LOOK
	TESTQ   CX, CX
	JNE     found
	MOVQ    R8, AX
	NOTQ    AX
	POPCNTQ AX, AX
	ADDQ    AX, DI
	SHRQ    $63, R8
	SUBQ    R8, SI
	ADDQ    $64, SI
	JMP     block

found:
	TZCNTQ  CX, CX
	NOTQ    R8
	BZHIQ   CX, R8, R8
	POPCNTQ R8, R8
	ADDQ    R8, DI
	ADDQ    CX, SI

done:
	VZEROUPPER
	SUBQ p+0(FP), SI
	MOVQ SI, read+16(FP)
	MOVQ DI, wrote+24(FP)
	RET

// func copyAVX512(dst *byte, room int, p *byte, n int) (wrote, read int)
TEXT ·copyAVX512(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ room+8(FP), R11
	MOVQ p+16(FP), SI
	MOVQ n+24(FP), R10
	LEAQ -64(SI)(R10*1), R10 // the last at which 64 bytes are left
	LEAQ -64(DI)(R11*1), R11 // the last at which there is room for 64
	CONSTANTS

block:
	CMPQ SI, R10
	JHI  done
	CMPQ DI, R11
	JHI  done
	LOOK
	KMOVQ       DX, K7
	VMOVDQU8    Z1, K7, Z0
	TESTQ       CX, CX
	JNE         found
	MOVQ        R8, AX
	NOTQ        AX
	KMOVQ       AX, K6
	VPCOMPRESSB.Z Z0, K6, Z8
	VMOVDQU8    Z8, (DI)
	POPCNTQ     AX, AX
	ADDQ        AX, DI
	SHRQ        $63, R8
	SUBQ        R8, SI
	ADDQ        $64, SI
	JMP         block

found:
	TZCNTQ      CX, CX
	NOTQ        R8
	BZHIQ       CX, R8, R8
	KMOVQ       R8, K6
	VPCOMPRESSB.Z Z0, K6, Z8
	VMOVDQU8    Z8, (DI)
	POPCNTQ     R8, R8
	ADDQ        R8, DI
	ADDQ        CX, SI

done:
	VZEROUPPER
	SUBQ dst+0(FP), DI
	SUBQ p+16(FP), SI
	MOVQ DI, wrote+32(FP)
	MOVQ SI, read+40(FP)
	RET
