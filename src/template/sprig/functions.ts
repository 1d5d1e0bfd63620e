import type { Clock } from '../../kernel/clock.ts'
import type { GoFunc } from '../values/func.ts'
import { certificateFunctions } from './certificates.ts'
import { dateFunctions } from './dates.ts'
import { DEFAULTS } from './defaults.ts'
import { DICTS } from './dicts.ts'
import { ENCODING } from './encoding.ts'
import { environmentFunctions, type TemplateEnvironment } from './environment.ts'
import { HASHES } from './hashes.ts'
import { JSON_FUNCTIONS } from './json.ts'
import { LETTER_CASE } from './letter-case.ts'
import { LISTS } from './lists.ts'
import { NUMBERS } from './numbers.ts'
import { PASSWORDS } from './passwords.ts'
import { PATHS } from './paths.ts'
import { RANDOM } from './random.ts'
import { REFLECTION } from './reflection.ts'
import { REGEX } from './regex.ts'
import { STRINGS } from './strings.ts'
import { URLS } from './urls.ts'
import { VERSIONS } from './versions.ts'
import { WRAP } from './wrap.ts'

/** Every function of Sprig 3's text function map. */
export function sprigFunctions(clock: Clock, environment: TemplateEnvironment): Readonly<Record<string, GoFunc>> {
  return {
    ...certificateFunctions(clock),
    ...dateFunctions(clock),
    ...DEFAULTS,
    ...DICTS,
    ...ENCODING,
    ...environmentFunctions(environment),
    ...HASHES,
    ...JSON_FUNCTIONS,
    ...LETTER_CASE,
    ...LISTS,
    ...NUMBERS,
    ...PASSWORDS,
    ...PATHS,
    ...RANDOM,
    ...REFLECTION,
    ...REGEX,
    ...STRINGS,
    ...URLS,
    ...VERSIONS,
    ...WRAP,
  }
}
