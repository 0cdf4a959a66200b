"""What a client of ours may cost before anybody knows who it is: bounds of one connection, for every HTTP server of ours.

Takes bytes off a socket, gives Uvicorn's protocol with limits in time and size. It knows no request, no user and no room.
`haori.inbound.bounds` is imported only where a server is started, since it brings all of Uvicorn along.
"""
