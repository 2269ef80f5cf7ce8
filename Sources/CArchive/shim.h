#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

// libarchive converts pax names from and to the thread's locale; in "C" every non-ASCII name would be mangled.
// A UTF-8 locale for one thread at a time does not touch the process, as setlocale would.
static inline locale_t daytwo_new_utf8_locale(void) { return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); }
