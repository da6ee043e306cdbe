// What --version prints: the commit of the checkout that was built.
#pragma once

namespace synod {

extern const char* const commit;  // with "-dirty" if files were changed; "unknown" outside of a checkout

}  // namespace synod
