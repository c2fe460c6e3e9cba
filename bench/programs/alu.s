; 1000 rounds of xorshift64: registers only.
  r1 = 0x9e3779b97f4a7c15 ll
  r2 = 0
round:
  r3 = r1
  r3 <<= 13
  r1 ^= r3
  r3 = r1
  r3 >>= 7
  r1 ^= r3
  r3 = r1
  r3 <<= 17
  r1 ^= r3
  r2 += 1
  if r2 != 1000 goto round
  r0 = r1
  exit
