// goclient: a Varlink client on Debian's golang-github-varlink-go-dev, to see that jobd can be called from Go:
// goclient ADDRESS info | describe INTERFACE | call METHOD JSON | more METHOD JSON
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/varlink/go/varlink"
)

func must(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func call(ctx context.Context, c *varlink.Connection, method, parameters string, flags uint64) {
	receive, err := c.Send(ctx, method, json.RawMessage(parameters), flags)
	must(err)
	for flags = varlink.Continues; flags&varlink.Continues != 0; {
		var reply json.RawMessage
		flags, err = receive(ctx, &reply)
		must(err)
		fmt.Println(string(reply))
	}
}

func main() {
	ctx := context.Background()
	c, err := varlink.NewConnection(ctx, os.Args[1])
	must(err)
	switch os.Args[2] {
	case "info":
		var vendor, product, version, url string
		var interfaces []string
		must(c.GetInfo(ctx, &vendor, &product, &version, &url, &interfaces))
		fmt.Println(vendor, product, version, url, interfaces)
	case "describe":
		text, err := c.GetInterfaceDescription(ctx, os.Args[3])
		must(err)
		fmt.Println(text)
	case "call":
		call(ctx, c, os.Args[3], os.Args[4], 0)
	case "more":
		call(ctx, c, os.Args[3], os.Args[4], varlink.More)
	}
}
