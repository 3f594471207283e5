#include "textflag.h"

// A byte is not plain if it is a quote, a backslash, or, as a signed number, below
// the space: control characters, and all beyond ASCII, which are negative.
DATA constants<>+0(SB)/4, $0x20202020
DATA constants<>+4(SB)/4, $0x22222222
DATA constants<>+8(SB)/4, $0x5c5c5c5c
GLOBL constants<>(SB), RODATA|NOPTR, $12

// func indexAVX2(p *byte, n int) int
TEXT ·indexAVX2(SB), NOSPLIT, $0-24
	MOVQ         p+0(FP), SI
	MOVQ         n+8(FP), CX
	VPBROADCASTD constants<>+0(SB), Y5
	VPBROADCASTD constants<>+4(SB), Y6
	VPBROADCASTD constants<>+8(SB), Y7
	XORL         AX, AX
	SUBQ         $32, CX               // the last index at which 32 bytes are left

block:
	CMPQ      AX, CX
	JGT       done
	VMOVDQU   (SI)(AX*1), Y0
	VPCMPGTB  Y0, Y5, Y1
	VPCMPEQB  Y0, Y6, Y2
	VPCMPEQB  Y0, Y7, Y3
	VPOR      Y1, Y2, Y1
	VPOR      Y1, Y3, Y1
	VPMOVMSKB Y1, DX
	TESTL     DX, DX
	JNE       found
	ADDQ      $32, AX
	JMP       block

found:
	BSFL DX, DX
	ADDQ DX, AX

done:
	VZEROUPPER
	MOVQ AX, ret+16(FP)
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
