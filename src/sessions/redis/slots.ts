/** Keys of a cluster lie in so many slots, of which each master has some. */
export const SLOTS = 16_384

/** Of so many tags one is in the name of each record: which shares a slot with the indexes that it is filed in. */
const TAGS = 64
const SLOTS_PER_TAG = SLOTS / TAGS

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** CRC-16/XMODEM, as the specification of Redis Cluster has it. */
function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text)) crc = ((crc << 8) & 0xffff) ^ (CRC_TABLE[(crc >> 8) ^ byte] ?? 0)
  return crc
}

/** Slot of a key: of what stands between its first braces, if anything does. */
export function slotOf(name: string): number {
  const open = name.indexOf('{')
  const end = open === -1 ? -1 : name.indexOf('}', open + 1)
  return crc16(end > open + 1 ? name.slice(open + 1, end) : name) % SLOTS
}

/** One tag for each 64th of the slots: masters with equal shares of the slots get equal shares of the sessions. */
export const SLOT_TAGS: readonly string[] = findTags()

/** The tag of a session. */
export function tagOf(key: string): string {
  return SLOT_TAGS[crc16(key) % TAGS] ?? ''
}

function findTags(): string[] {
  const tags: string[] = []
  for (let n = 0, missing = TAGS; missing > 0; n++) {
    const tag = n.toString(36)
    const at = Math.floor(slotOf(tag) / SLOTS_PER_TAG)
    if (tags[at] !== undefined) continue
    tags[at] = tag
    missing--
  }
  return tags
}
