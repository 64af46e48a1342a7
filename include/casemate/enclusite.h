/*
 * How a place that executes ENCLU says what it is: 16 bytes, 16-aligned: ENCLU, RET, the mark, four
 * zero bytes. The emulator sees pages and never an ELF file; it replaces such a site by a jump after
 * EINIT, and every other ENCLU costs a signal. Enclaves of any SDK may use it; on hardware the site is
 * what it looks like. Only definitions, so that assembly can include it.
 */
#ifndef CASEMATE_ENCLUSITE_H
#define CASEMATE_ENCLUSITE_H

#define CM_ENCLU_SITE_SIZE 16
#define CM_ENCLU_SITE_MARK "CASEMATE"

#endif
