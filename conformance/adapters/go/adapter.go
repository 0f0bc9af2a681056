// SPDX-License-Identifier: MIT
// An adapter of pmkit grade. Put your own reader in the place of word().
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

var names = map[syscall.Errno]string{0: "EOF", 1: "EPERM", 2: "ENOENT", 3: "ESRCH", 13: "EACCES", 22: "EINVAL"}

// The word of a file in the order of this machine, or the name of an error.
func word(path string, index uint64) (word uint64, failure string) {
	file, err := os.Open(path)
	if err == nil {
		defer file.Close()
		_, err = file.ReadAt((*[8]byte)(unsafe.Pointer(&word))[:], int64(index*8))
	}
	if err != nil {
		var errno syscall.Errno // 0: the file ended
		errors.As(err, &errno)
		return 0, names[errno]
	}
	return word, ""
}

func main() {
	fmt.Println(`{"adapter":"go","page":["state","pfn","phys"],"frame":["flags"]}`)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var q struct {
			Address, PFN string
			PID          int
			Size         uint64 `json:"page_size"`
		}
		json.Unmarshal(lines.Bytes(), &q)
		address, _ := strconv.ParseUint(q.Address, 0, 64)
		pfn, _ := strconv.ParseUint(q.PFN, 0, 64)
		path, index := fmt.Sprintf("/proc/%d/pagemap", q.PID), address/q.Size
		if q.PFN != "" {
			path, index = "/proc/kpageflags", pfn
		}
		w, failure := word(path, index)
		if pfn = w & (1<<55 - 1); failure != "" {
			fmt.Printf("{\"error\":%q}\n", failure)
		} else if q.PFN != "" {
			fmt.Printf("{\"flags\":\"%#x\"}\n", w)
		} else if w>>63 == 1 && pfn != 0 {
			fmt.Printf("{\"state\":\"present\",\"pfn\":%d,\"phys\":\"%#x\"}\n", pfn, pfn*q.Size+address%q.Size)
		} else {
			fmt.Printf("{\"state\":%q}\n", []string{"absent", "swapped", "present", "present"}[w>>62])
		}
	}
}
